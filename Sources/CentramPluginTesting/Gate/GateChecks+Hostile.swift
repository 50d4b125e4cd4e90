// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI

extension GateCheck {
  /// Genomes come from strangers.
  static let hostile: [GateCheck] = [
    GateCheck("damaged-genomes") { scene in
      let layer = try scene.layer(), direction = scene.directions(layer).first ?? .inbound
      for (number, sample) in scene.candidates(damaged: scene.options.damagedGenomes).enumerated() {
        let outcome = try await promptly("genome \(number) of seed \(scene.options.seed) to be judged", within: scene.options.promptness) {
          await layer.outcome(sample, direction)
        }
        guard case .error(let error) = outcome else { continue }
        try require(error.code != .cancelled, "a damaged genome to be judged or refused", "genome \(number) of seed \(scene.options.seed) ended with \(error)")
      }
    },
    GateCheck("hostile-policies") { scene in
      let layer = try scene.layer(), direction = scene.directions(layer).first ?? .inbound
      var random = SuiteRandom(scene.options.seed)
      let policies =
        ["", "[]", "null", "{", "{}}", #"{"a":"#, #"{"no_such_parameter":1}"#, #"{"a":1e999}"#, String(repeating: "[", count: 5000), "{\"\u{FFFD}\":1}"]
        + (0..<16).map { _ in String(decoding: random.bytes(random.below(60)), as: UTF8.self).replacingNulls }
      for policy in policies {
        let (one, again) = try await promptly("the policy \(policy.prefix(40)) to be taken or refused", within: scene.options.promptness) {
          (await layer.outcome(scene.samples[0], direction, policy: policy), await layer.outcome(scene.samples[0], direction, policy: policy))
        }
        try require(one == again, "a policy to have the same effect each time", "with \(policy.prefix(40)) it was \(one), then \(again)")
      }
    },
    GateCheck("parameters-beyond-limits") { scene in
      let layer = try scene.layer(), direction = scene.directions(layer).first ?? .inbound
      let limited = layer.info.parameters.filter { $0.limits != nil && ($0.type == .number || $0.type == .integer) }
      guard !limited.isEmpty else { throw Finding.skipped("no parameter of it has limits") }
      for parameter in limited {
        guard let limits = parameter.limits else { continue }
        for value in [limits.lowerBound - 1, limits.upperBound + max(1, abs(limits.upperBound) * 1e-6)] where value.isFinite {
          let outcome = await layer.outcome(scene.samples[0], direction, policy: #"{"\#(parameter.name)":\#(ParameterValue.number(value))}"#)
          guard case .error(let error) = outcome else {
            throw Finding.failed("\(parameter.name) to be refused beyond \(limits)", "\(value) was taken: \(outcome)")
          }
          try require(error.message.contains(parameter.name), "an error that names \(parameter.name)", "it was \(error)")
        }
      }
    },
  ]

  /// What a layer does where the node cannot help it.
  static let lacking: [GateCheck] = [
    GateCheck("missing-services") { scene in
      let asked = AskedServices(), whole = try scene.layer(asked: asked), directions = scene.directions(whole)
      var before: [GateOutcome] = []
      for direction in directions { before.append(await whole.outcome(scene.samples[0], direction)) }
      guard !asked.all.isEmpty else { throw Finding.skipped("it asks for no service") }
      for id in asked.all.sorted() where scene.services[id] != nil {
        let layer: any GateLayer
        do throws(PluginError) { layer = try scene.layer(without: id) } catch {
          try require(error.message.contains(id), "an error that names the missing \(id)", "no instance was made: \(error)")
          continue
        }
        for (index, direction) in directions.enumerated() {
          let outcome = await layer.outcome(scene.samples[0], direction)
          // A judgement that did not need it, or one that holds the genome back.
          if outcome == before[index] { continue }
          switch outcome {
          case .error(let error): try require(error.message.contains(id), "an error that names the missing \(id)", "it was \(error)")
          case .verdict(let verdict): try require(verdict.decision != .accept, "no acceptance of what cannot be judged without \(id)", "it was \(verdict)")
          }
        }
      }
    },
    GateCheck("cancelled") { scene in
      let layer = try scene.layer(), direction = scene.directions(layer).first ?? .inbound
      let task = Task { await layer.outcome(scene.samples[0], direction) }
      task.cancel()
      _ = try await promptly("a cancelled judgement to end", within: scene.options.promptness) { await task.value }
    },
  ]
}

extension String {
  /// Texts cross the C lane as C strings.
  fileprivate var replacingNulls: String { String(map { $0 == "\0" ? "0" : $0 }) }
}
