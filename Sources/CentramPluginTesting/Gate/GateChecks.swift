// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI

extension GateCheck {
  static let described: [GateCheck] = [
    GateCheck("info") { scene in
      let info = try scene.layer().info
      try require(info.position >= 1 && !info.directions.isEmpty, "a position of 1 or more and a direction", "it is \(info.position), for \(info.directions.count) directions")
      try requireSane(info.parameters)
    },
    GateCheck("configuration") { scene in
      try requireSteadySettings { (text) throws(PluginError) in
        try scene.make(PluginEnvironment(services: GateHost(scene.services), configurationJSON: text))
      }
    },
    GateCheck("directions") { scene in
      let layer = try scene.layer()
      for direction in [GateDirection.inbound, .outbound] {
        let outcome = await layer.outcome(scene.samples[0], direction)
        guard layer.info.directions.contains(direction), case .error(let error) = outcome else { continue }
        try require(error.code != .unsupported, "a layer to judge the directions that it names", "\(direction) is \"unsupported\": \(error.message)")
      }
    },
    GateCheck("acceptance") { scene in
      guard scene.options.expectsAcceptance else { throw Finding.skipped("nobody says that its samples are to be accepted") }
      let layer = try scene.layer()
      for (sample, direction) in scene.samples.flatMap({ sample in scene.directions(layer).map { (sample, $0) } }) {
        let outcome = await layer.outcome(sample, direction)
        try require(outcome.isAccepted, "an honest genome to be accepted \(direction), whole or scaled", "it was \(outcome)")
      }
    },
  ]

  /// What a verdict says.
  static let saying: [GateCheck] = [
    GateCheck("reason") { scene in
      try await scene.forEachOutcome { outcome in
        guard case .verdict(let verdict) = outcome else { return }
        switch verdict.decision {
        case .accept: break
        case .scale(_, let reason), .quarantine(let reason), .reject(let reason):
          try require(reason.contains { !$0.isWhitespace }, "a reason with each verdict but an acceptance", "\(verdict.decision) has none")
        @unknown default: break
        }
      }
    },
    GateCheck("factor") { scene in
      try await scene.forEachOutcome { outcome in
        guard case .verdict(let verdict) = outcome, case .scale(let factor, _) = verdict.decision else { return }
        try require(factor > 0 && factor <= 1, "a factor above 0 and at most 1", "it is \(factor)")
      }
    },
    GateCheck("evidence") { scene in
      try await scene.forEachOutcome { outcome in
        guard case .verdict(let verdict) = outcome else { return }
        try require(verdict.decision == .accept || !verdict.evidence.isEmpty, "evidence with each verdict but an acceptance", "\(verdict.decision) has none")
        try require(verdict.evidence.allSatisfy { !$0.name.isEmpty }, "evidence with names", "a piece has none")
      }
    },
    GateCheck("error-sentence") { scene in
      try await scene.forEachOutcome { outcome in
        guard case .error(let error) = outcome else { return }
        try require(!error.message.isEmpty, "an error with a sentence, for a person reads it as the refusal", "the \(error.code) error has no message")
      }
    },
  ]

  /// Candidate and context in, verdict out.
  static let purity: [GateCheck] = [
    GateCheck("repeatable") { scene in
      let layer = try scene.layer(), candidates = scene.candidates(damaged: 6)
      for (sample, direction) in candidates.flatMap({ sample in scene.directions(layer).map { (sample, $0) } }) {
        let one = await layer.outcome(sample, direction), again = await layer.outcome(sample, direction)
        try require(one == again, "the same verdict and evidence for the same candidate", "it was \(one), then \(again)")
      }
    },
    GateCheck("instances-agree") { scene in
      for sample in scene.samples {
        let (one, other) = (try scene.layer(), try scene.layer())
        for direction in scene.directions(one) {
          let (a, b) = (await one.outcome(sample, direction), await other.outcome(sample, direction))
          try require(a == b, "two instances to say the same", "one says \(a), the other \(b)")
        }
      }
    },
    GateCheck("any-order") { scene in
      let layer = try scene.layer(), candidates = scene.candidates(damaged: 8), direction = scene.directions(layer).first ?? .inbound
      var forwards: [GateOutcome] = []
      for sample in candidates { forwards.append(await layer.outcome(sample, direction)) }
      _ = await layer.outcome(candidates[0], direction)
      for (index, sample) in candidates.enumerated().reversed() {
        let found = await layer.outcome(sample, direction)
        try require(found == forwards[index], "the same verdict whatever was judged before", "it was \(forwards[index]), and \(found) in another order")
      }
    },
    GateCheck("side-by-side") { scene in
      let layer = try scene.layer(), candidates = scene.candidates(damaged: 5), direction = scene.directions(layer).first ?? .inbound
      var alone: [GateOutcome] = []
      for sample in candidates { alone.append(await layer.outcome(sample, direction)) }
      let expected = alone
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in candidates.indices {
          group.addTask {
            for _ in 0..<3 {
              let found = await layer.outcome(candidates[index], direction)
              try require(found == expected[index], "the same verdict where \(candidates.count) are judged at once", "alone it is \(expected[index]), then \(found)")
            }
          }
        }
        try await group.waitForAll()
      }
    },
    GateCheck("candidate-unchanged") { scene in
      let layer = try scene.layer()
      for (sample, direction) in scene.candidates(damaged: 6).flatMap({ sample in scene.directions(layer).map { (sample, $0) } }) {
        try require(await layer.judged(sample, direction).isUnchanged, "the genome's weights to be only read", "the layer wrote to them")
      }
    },
  ]
}

extension GateScene {
  /// What the layer says of the samples and of some damaged genomes.
  func forEachOutcome(_ body: (GateOutcome) throws -> Void) async throws {
    let layer = try layer()
    for (sample, direction) in candidates(damaged: 12).flatMap({ sample in directions(layer).map { (sample, $0) } }) {
      try body(await layer.outcome(sample, direction))
    }
  }
}
