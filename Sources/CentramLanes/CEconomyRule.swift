internal import CentramPluginAPI

/// `centram.economy/1` as a Swift economy rule.
struct CEconomyRule: EconomyRule {
  private let table: Lent<centram_economy_v1_t>
  private let instance: CInstance

  init(_ table: centram_economy_v1_t, _ environment: PluginEnvironment) throws(PluginError) {
    self.table = Lent(table)
    instance = try CInstance(table.create, table.destroy, environment)
  }

  func postings(for event: EconomyEvent, in view: any LedgerView) throws(PluginError) -> [Posting] {
    let call = EconomyCall(view)
    var lent = centram_economy_event_t()
    lent.struct_size = UInt32(MemoryLayout<centram_economy_event_t>.size)
    (lent.type, lent.amount, lent.subject) = (call.arena.string(event.type), event.amount, call.arena.string(event.subject))
    (lent.payer, lent.payee) = (call.arena.string(event.payer), call.arena.string(event.payee))
    lent.details_json = call.arena.string(event.detailsJSON)
    var ledger = call.table
    defer { withExtendedLifetime(call) {} }
    try callingC("postings") { error, capacity in
      table.value.postings?(
        instance.pointer, &lent, &ledger,
        { user, account, amount, memo in
          let posting = Posting(account: account.map { String(cString: $0) } ?? "", microCEN: amount, memo: memo.map { String(cString: $0) } ?? "")
          object(user, as: EconomyCall.self).postings.append(posting)
        }, Unmanaged.passUnretained(call).toOpaque(), error, capacity) ?? 0
    }
    return call.postings
  }
}

/// One call of `postings`, on one thread: a pure rule starts none.
private final class EconomyCall {
  let arena = CArena()
  var postings: [Posting] = []
  private let view: any LedgerView

  init(_ view: any LedgerView) { self.view = view }

  var table: centram_ledger_view_t {
    var table = centram_ledger_view_t()
    table.struct_size = UInt32(MemoryLayout<centram_ledger_view_t>.size)
    table.context = UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
    table.owner = { context, genome, account in
      let call = object(context, as: EconomyCall.self)
      guard let genome, let owner = call.view.owner(ofGenome: String(cString: genome)) else { return 0 }
      account?.pointee = call.arena.string(owner)
      return 1
    }
    table.generation = { context, genome, generation in
      guard let genome, let found = object(context, as: EconomyCall.self).view.generation(ofGenome: String(cString: genome)) else { return 0 }
      generation?.pointee = Int64(found)
      return 1
    }
    table.parent_count = { context, genome in
      genome.map { UInt64(object(context, as: EconomyCall.self).view.parents(ofGenome: String(cString: $0)).count) } ?? 0
    }
    table.parent = { context, genome, index, parent, basisPoints in
      let call = object(context, as: EconomyCall.self)
      guard let genome else { return 0 }
      let parents = call.view.parents(ofGenome: String(cString: genome))
      guard index < parents.count else { return 0 }
      parent?.pointee = call.arena.string(parents[Int(index)].id)
      basisPoints?.pointee = Int64(parents[Int(index)].basisPoints)
      return 1
    }
    table.balance = { context, account, amount in
      guard let account, let found = object(context, as: EconomyCall.self).view.balance(ofAccount: String(cString: account)) else { return 0 }
      amount?.pointee = found
      return 1
    }
    return table
  }
}
