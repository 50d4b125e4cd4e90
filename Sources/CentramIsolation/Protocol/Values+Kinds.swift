internal import CentramPluginAPI

/// What a merge operator can do besides being one.
struct MergeAbilities: OptionSet {
  let rawValue: UInt32
  static let tensors = MergeAbilities(rawValue: 1), adapters = MergeAbilities(rawValue: 2), extraction = MergeAbilities(rawValue: 4)
}

extension MessageWriter {
  mutating func add(_ info: MergeOperatorInfo, _ abilities: MergeAbilities) {
    add(abilities.rawValue)
    add(info.needs.rawValue)
    add(UInt64(clamping: info.inputs.lowerBound))
    add(UInt64(clamping: info.inputs.upperBound))
    add(info.parameters)
  }

  mutating func add(_ info: GateLayerInfo) {
    add(UInt32(clamping: info.position))
    add(info.directions.contains(.inbound))
    add(info.directions.contains(.outbound))
    add(info.parameters)
  }

  mutating func add(_ verdict: Verdict) {
    switch verdict.decision {
    case .accept: add(UInt8(0))
    case .scale(let factor, let reason):
      add(UInt8(1))
      add(factor)
      add(reason)
    case .quarantine(let reason):
      add(UInt8(2))
      add(reason)
    case .reject(let reason):
      add(UInt8(3))
      add(reason)
    @unknown default:
      add(UInt8(3))
      add("the layer decided something that this host does not know")
    }
    add(verdict.evidence) { writer, one in
      writer.add(one.name)
      writer.add(one.value)
    }
  }

  mutating func add(_ event: EconomyEvent) {
    add(event.type)
    add(event.amount)
    for field in [event.subject, event.payer, event.payee, event.detailsJSON] { add(field) }
  }

  mutating func add(_ postings: [Posting]) {
    add(postings) { writer, one in
      writer.add(one.account)
      writer.add(one.microCEN)
      writer.add(one.memo)
    }
  }
}

extension MessageReader {
  mutating func mergeOperatorInfo() throws(ChannelError) -> (info: MergeOperatorInfo, abilities: MergeAbilities) {
    let abilities = MergeAbilities(rawValue: try number()), needs = MergeNeeds(rawValue: try number())
    let least = try size(limit: .max), most = try size(limit: .max)
    guard least <= most else { throw .broken("an operator of \(least) to \(most) inputs") }
    return (MergeOperatorInfo(needs: needs, inputs: least...most, parameters: try specifications()), abilities)
  }

  mutating func gateLayerInfo() throws(ChannelError) -> GateLayerInfo {
    let position = Int(try number(UInt32.self)), isInbound = try flag(), isOutbound = try flag()
    guard position > 0, isInbound || isOutbound else { throw .broken("a layer at position \(position), or for no direction") }
    let directions = Set([isInbound ? GateDirection.inbound : nil, isOutbound ? .outbound : nil].compactMap { $0 })
    return GateLayerInfo(position: position, directions: directions, parameters: try specifications())
  }

  mutating func verdict() throws(ChannelError) -> Verdict {
    let decision: Verdict.Decision
    switch try number(UInt8.self) {
    case 0: decision = .accept
    case 1:
      let factor = try double()
      guard factor > 0, factor <= 1 else { throw .broken("a verdict that scales by \(factor)") }
      decision = .scale(factor: factor, reason: try reason())
    case 2: decision = .quarantine(reason: try reason())
    case 3: decision = .reject(reason: try reason())
    case let other: throw .broken("a verdict of kind \(other)")
    }
    let evidence = try elements(elementSize: 8, limit: 1 << 16) { (it) throws(ChannelError) in
      Verdict.Evidence(try it.text(), try it.text())
    }
    return Verdict(decision, evidence: evidence)
  }

  private mutating func reason() throws(ChannelError) -> String {
    let reason = try text()
    guard !reason.isEmpty else { throw .broken("a verdict without a reason") }
    return reason
  }

  mutating func economyEvent() throws(ChannelError) -> EconomyEvent {
    let type = try text(), amount: Int64 = try number()
    return EconomyEvent(type: type, amount: amount, subject: try text(), payer: try text(), payee: try text(), detailsJSON: try text())
  }

  mutating func postings() throws(ChannelError) -> [Posting] {
    try elements(elementSize: 16) { (it) throws(ChannelError) in Posting(account: try it.text(), microCEN: try it.number(), memo: try it.text()) }
  }
}
