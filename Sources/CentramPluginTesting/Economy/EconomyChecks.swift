// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import Dispatch
import Synchronization

extension EconomyCheck {
  static let all: [EconomyCheck] = [
    EconomyCheck("configuration") { scene in try requireSteadySettings(scene.make) },
    EconomyCheck("answers") { scene in
      // A rule that refuses everything keeps every other promise.
      let rule = try scene.rule(), outcomes = scene.events(scene.options.events).map { rule.outcome($0, SuiteLedger()) }
      let answers = outcomes.count { if case .postings(let postings) = $0 { !postings.isEmpty } else { false } }
      try require(answers > 0, "postings for one of \(outcomes.count) events of the types \(scene.options.types.joined(separator: ", "))", "the first was \(outcomes[0])")
    },
    EconomyCheck("sums-to-zero") { scene in
      let rule = try scene.rule()
      for event in scene.events(scene.options.events) { try requireBalanced(rule.outcome(event, SuiteLedger()), event) }
    },
    EconomyCheck("named-accounts") { scene in
      let rule = try scene.rule()
      for view in [SuiteLedger(), SuiteLedger(knowsOwners: false)] {
        for event in scene.events(60) + [EconomyEvent(type: scene.options.types[0], amount: 1000, subject: "", payer: "account0", payee: "account1")] {
          guard case .postings(let postings) = rule.outcome(event, view) else { continue }
          try require(postings.allSatisfy { !$0.account.isEmpty }, "each posting to name its account", "one of an event about \"\(event.subject)\" does not")
        }
      }
    },
    EconomyCheck("repeatable") { scene in
      let rule = try scene.rule(), other = try scene.rule()
      for event in scene.events(60) {
        let one = rule.outcome(event, SuiteLedger())
        for again in [rule.outcome(event, SuiteLedger()), other.outcome(event, SuiteLedger())] {
          try require(one == again, "the same postings in the same order for the same event", "it was \(one), then \(again)")
        }
      }
    },
    EconomyCheck("any-order") { scene in
      let rule = try scene.rule(), events = scene.events(60), forwards = events.map { rule.outcome($0, SuiteLedger()) }
      for (index, event) in events.enumerated().reversed() {
        let found = rule.outcome(event, SuiteLedger())
        try require(found == forwards[index], "the same postings whatever came before", "it was \(forwards[index]), and \(found) in another order")
      }
    },
    EconomyCheck("side-by-side") { scene in
      let rule = try scene.rule(), events = scene.events(30), expected = events.map { rule.outcome($0, SuiteLedger()) }
      let finding = Mutex<(any Error)?>(nil)
      DispatchQueue.concurrentPerform(iterations: 8) { _ in
        for (index, event) in events.enumerated() {
          let found = rule.outcome(event, SuiteLedger())
          do { try require(found == expected[index], "the same postings where eight threads ask at once", "alone it is \(expected[index]), then \(found)") } catch {
            finding.withLock { [error] in $0 = $0 ?? error }
          }
        }
      }
      if let found = finding.withLock({ $0 }) { throw found }
    },
    EconomyCheck("extreme-amounts") { scene in
      let rule = try scene.rule()
      for amount in [0, 1, 2, 9_999, 10_001, .max, .max - 1, .max / 2, .max / 10_000, .max / 10_000 + 1, -1, -10_001, .min, .min + 1, .min / 10_000] as [Int64] {
        for balance in [nil, 0, .max, .min] as [Int64?] {
          for type in scene.options.types {
            let event = scene.event(amount, type: type)
            try requireBalanced(rule.outcome(event, SuiteLedger(balances: balance)), event)
          }
        }
      }
    },
    EconomyCheck("unknown-events") { scene in
      let rule = try scene.rule()
      for type in ["", "no-such-type", "PAYMENT", String(repeating: "x", count: 5_000)] {
        let event = scene.event(100, type: type)
        guard case .postings(let postings) = rule.outcome(event, SuiteLedger()), !postings.isEmpty else { continue }
        throw Finding.failed("no postings for an event of the type \"\(type.prefix(20))\", which there is not", "there were \(postings.count)")
      }
      for details in ["", "[]", "{", "null", #"{"requests":-1}"#, #"{"requests":1e999}"#, String(repeating: "[", count: 2_000)] {
        let event = EconomyEvent(type: scene.options.types[0], amount: 100, subject: "genome3", payer: "account0", payee: "account1", detailsJSON: details)
        try requireBalanced(rule.outcome(event, SuiteLedger()), event)
      }
    },
    EconomyCheck("unknown-genomes") { scene in
      let rule = try scene.rule()
      for subject in ["", "genome99", "genome3\u{0301}", String(repeating: "f", count: 5_000)] {
        for view in [SuiteLedger(), SuiteLedger(knowsOwners: false)] {
          let event = scene.event(1000, subject: subject)
          try requireBalanced(rule.outcome(event, view), event)
        }
      }
    },
    EconomyCheck("circular-lineage") { scene in
      let rule = try scene.rule()
      for type in scene.options.types {
        let event = scene.event(1_000_000, type: type, subject: "genome10")
        try requireBalanced(rule.outcome(event, SuiteLedger()), event)
      }
    },
    EconomyCheck("deep-lineage") { scene in
      let rule = try scene.rule()
      for type in scene.options.types {
        let event = scene.event(1_000_000, type: type, subject: "20000")
        try requireBalanced(rule.outcome(event, DeepLedger(depth: 20_000)), event)
      }
    },
    EconomyCheck("error-sentence") { scene in
      let rule = try scene.rule()
      for event in scene.events(30) + [scene.event(.max), scene.event(-1), scene.event(5, type: "no-such-type")] {
        guard case .error(let error) = rule.outcome(event, SuiteLedger(balances: 10)) else { continue }
        try require(!error.message.isEmpty, "a refusal with a sentence", "the \(error.code) error has no message")
      }
    },
  ]
}

/// Requires that postings sum to zero, added up without overflow. A refusal posts nothing and is right.
private func requireBalanced(_ outcome: EconomyOutcome, _ event: EconomyEvent) throws {
  guard case .postings(let postings) = outcome else { return }
  let sum = postings.reduce(Int128(0)) { $0 + Int128($1.microCEN) }
  try require(sum == 0, "postings that sum to zero for \(event.amount) micro-CEN about \(event.subject.prefix(20))", "\(postings.count) postings sum to \(sum)")
}
