// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI

extension MergeCheck {
  /// Unusual numbers and inputs.
  static let edges: [MergeCheck] = [
    .tensors("identity") { scene, operation in
      let shape = [9, 61], one = scene.inputs(shape, count: 1)[0]
      let found = try scene.merge(operation, Array(repeating: one, count: scene.inputCount), shape)
      let wrong = found.indices.first { !isNear(found[$0], one[$0]) }
      try require(
        wrong == nil, "what all inputs agree on to stay as it is", "element \(wrong ?? 0) is \(one[wrong ?? 0]) in all inputs and \(found[wrong ?? 0]) in the output")
    },
    .tensors("strange-numbers") { scene, operation in
      for strange in [Float.nan, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude, -0.0] {
        for everywhere in [false, true] {
          let shape = [20, 20]
          var inputs = scene.inputs(shape), random = SuiteRandom(scene.options.seed)
          if everywhere {
            inputs = inputs.map { $0.map { _ in strange } }
          } else {
            for _ in 0..<20 { inputs[random.below(inputs.count)][random.below(400)] = strange }
          }
          try scene.requireEnd("inputs with \(strange)", operation, inputs, shape, scene.parameters(.middles))
          try scene.requireEnd("inputs with \(strange)", operation, inputs, shape, scene.parameters())
        }
      }
    },
    .tensors("parameters-at-their-limits") { scene, operation in
      // Beyond them the host does not go, and an operator that is asked nevertheless may refuse; it may not write half a tensor.
      let shape = [9, 13], inputs = scene.inputs(shape)
      for parameter in scene.info.parameters where parameter.type == .number || parameter.type == .integer {
        let limits = parameter.limits ?? -1e30...1e30
        for value in [limits.lowerBound, limits.upperBound, limits.lowerBound - 1, limits.upperBound + 1] {
          try scene.requireEnd(
            "\(parameter.name) \(value)", operation, inputs, shape, scene.parameters(change: [parameter.name: .number(value)]))
        }
      }
    },
  ]

  static let refusing: [MergeCheck] = [
    .tensors("missing-parameter") { scene, operation in
      let required = scene.info.parameters.filter(\.isRequired)
      guard !required.isEmpty else { throw Finding.skipped("it requires no parameter") }
      for parameter in required {
        let shape = [3, 5], driver = SuiteDriver(scene.inputs(shape), shape: shape)
        let error = try requireRefusal("a merge without the required \(parameter.name) to be refused") {
          try operation.merge(scene.request(driver, shape, parameters: scene.parameters(without: parameter.name)))
        }
        try require(error.code == .invalid && error.message.contains(parameter.name), "an \"invalid\" error that names \(parameter.name)", "it was \(error)")
      }
    },
    .tensors("missing-base") { scene, operation in
      guard scene.needsBase else { throw Finding.skipped("it needs no base") }
      let shape = [3, 5], driver = SuiteDriver(scene.inputs(shape), shape: shape)
      let error = try requireRefusal("a merge without the base that it needs to be refused") {
        try operation.merge(
          MergeRequest(
            tensor: "suite.weight", shape: shape, models: (0..<scene.inputCount).map { "model\($0)" }, baseIndex: nil, parameters: scene.parameters(), driver: driver))
      }
      try require(error.code == .invalid, "the code \"invalid\"", "it was \(error)")
    },
    .tensors("number-of-inputs") { scene, operation in
      let limits = scene.info.inputs, more = scene.needsBase ? 1 : 0
      let wrong = [limits.lowerBound - 1, limits.upperBound < 1000 ? limits.upperBound + 1 : -1].filter { $0 > 0 || ($0 == 0 && scene.needsBase) }
      guard !wrong.isEmpty else { throw Finding.skipped("it takes any number") }
      for count in wrong {
        let shape = [3, 5], driver = SuiteDriver(scene.inputs(shape, count: count + more), shape: shape)
        try requireRefusal("\(count) inputs to be refused by an operator that takes \(limits)") {
          try operation.merge(scene.request(driver, shape, parameters: scene.parameters(inputs: count + more), inputs: count + more))
        }
      }
    },
    .tensors("cancellation") { scene, operation in
      let shape = [10, 61], whole = SuiteDriver(scene.inputs(shape), shape: shape)
      try operation.merge(scene.request(whole, shape, parameters: scene.parameters()))
      for block in [1, whole.blocks / 2 + 1, whole.blocks] {
        let driver = SuiteDriver(scene.inputs(shape), shape: shape, plan: .init(failsAtBlock: block))
        let error = try requireRefusal("a merge to end with the error of the host that gave up at block \(block)") {
          try operation.merge(scene.request(driver, shape, parameters: scene.parameters()))
        }
        try require(driver.hasFailed && error.code == .cancelled, "the host's own error, \"cancelled\"", "it was \(error)")
        try require(driver.runsAfterFailure == 0, "no more passes after the host gave up", "there were \(driver.runsAfterFailure)")
      }
    },
  ]
}

extension MergeScene {
  /// Requires that a merge writes the whole output or refuses with a sentence.
  func requireEnd(_ what: String, _ operation: any TensorMerging, _ inputs: [[Float]], _ shape: [Int], _ parameters: Parameters) throws {
    let driver = SuiteDriver(inputs, shape: shape)
    do throws(PluginError) {
      try operation.merge(request(driver, shape, parameters: parameters))
    } catch {
      return try require(!error.message.isEmpty, "\(what) to be merged, or refused with a sentence", "the \(error.code) error has no message")
    }
    try driver.requireWhole(what)
  }
}
