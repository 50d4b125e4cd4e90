// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import Synchronization

/// A rule under test and events for it.
struct EconomyScene: Sendable {
  let options: EconomyRuleConformance.Options
  let configurationJSON: String
  let make: @Sendable (String) throws(PluginError) -> any EconomyRule

  func rule() throws -> any EconomyRule { try make(configurationJSON) }

  /// Events of each type, about genomes that the ledger knows.
  func events(_ count: Int) -> [EconomyEvent] {
    var random = SuiteRandom(options.seed)
    return (0..<count).map { number in
      EconomyEvent(
        type: options.types[number % options.types.count], amount: Int64(random.below(1_000_000)), subject: "genome\(random.below(10))", payer: "account\(random.below(4))",
        payee: "account\(random.below(6))", detailsJSON: number % 3 == 0 ? "{}" : #"{"requests":\#(random.below(100))}"#)
    }
  }

  func event(_ amount: Int64, type: String? = nil, subject: String = "genome3") -> EconomyEvent {
    EconomyEvent(type: type ?? options.types[0], amount: amount, subject: subject, payer: "account0", payee: "account1")
  }
}

/// What a rule answered.
enum EconomyOutcome: Sendable, Equatable, CustomStringConvertible {
  case postings([Posting]), error(PluginError)
  var description: String {
    switch self {
    case .postings(let postings): "\(postings.count) postings"
    case .error(let error): "the error \(error)"
    }
  }
}

extension EconomyRule {
  func outcome(_ event: EconomyEvent, _ view: any LedgerView) -> EconomyOutcome {
    do throws(PluginError) { return .postings(try postings(for: event, in: view)) } catch { return .error(error) }
  }
}

/// A ledger of twelve genomes. Of `genome0` to `genome9` each has two parents among those before; `genome10` and `genome11` are each other's
/// parents, which no honest lineage has.
struct SuiteLedger: LedgerView {
  var balances: Int64? = 1_000_000_000
  var knowsOwners = true

  func owner(ofGenome id: String) -> String? { knowsOwners ? number(id).map { "owner\($0 % 5)" } : nil }
  func generation(ofGenome id: String) -> Int? { number(id).map { $0 } }
  func parents(ofGenome id: String) -> [LineageEntry.Parent] {
    switch number(id) {
    case nil, 0: []
    case 1: [.init(id: "genome0", basisPoints: 10_000)]
    case 10: [.init(id: "genome11", basisPoints: 10_000)]
    case 11: [.init(id: "genome10", basisPoints: 10_000)]
    case let number?: [.init(id: "genome\(number - 1)", basisPoints: 7_001), .init(id: "genome\(number - 2)", basisPoints: 2_999)]
    }
  }
  func balance(ofAccount account: String) -> Int64? { account.hasPrefix("account") ? balances : nil }

  private func number(_ id: String) -> Int? {
    guard id.hasPrefix("genome"), let number = Int(id.dropFirst(6)), (0..<12).contains(number) else { return nil }
    return number
  }
}

/// A chain of ancestors without an end to speak of.
struct DeepLedger: LedgerView {
  let depth: Int
  func owner(ofGenome id: String) -> String? { Int(id).map { "owner\($0 % 7)" } }
  func generation(ofGenome id: String) -> Int? { Int(id) }
  func parents(ofGenome id: String) -> [LineageEntry.Parent] {
    guard let number = Int(id), number > 0, number <= depth else { return [] }
    return [.init(id: "\(number - 1)", basisPoints: 10_000)]
  }
  func balance(ofAccount account: String) -> Int64? { 1_000_000_000 }
}
