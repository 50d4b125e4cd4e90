// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI

extension MergeCheck {
  static let described: [MergeCheck] = [
    MergeCheck("info") { scene in
      let info = scene.info
      try require(info.inputs.lowerBound >= 0 && info.inputs.upperBound >= 1, "to take at least one input", "it takes \(info.inputs)")
      try requireSane(info.parameters)
      let abilities = [scene.operation is any TensorMerging, scene.operation is any AdapterMerging, scene.operation is any AdapterExtracting]
      try require(abilities.contains(true), "one of the abilities TensorMerging, AdapterMerging and AdapterExtracting", "the operator has none")
    },
    MergeCheck("configuration") { scene in
      try requireSteadySettings(scene.make)
    },
  ]

  /// What a merge writes, and what it leaves alone.
  static let writing: [MergeCheck] = [
    .tensors("shapes") { scene, operation in
      for shape in [[], [1], [2], [7], [61], [62], [122], [1, 5], [5, 1], [3, 61], [40, 3], [4, 5, 6], [2, 3, 2, 5], [0], [0, 3], [3, 0]] {
        _ = try scene.merge(operation, scene.inputs(shape), shape)
      }
    },
    .tensors("exactly-once") { scene, operation in
      for choice in MergeScene.Choice.allCases {
        let shape = [5, 61], driver = SuiteDriver(scene.inputs(shape), shape: shape)
        try operation.merge(scene.request(driver, shape, parameters: scene.parameters(choice)))
        try require(driver.writingRuns == 1, "the output to be written in one pass over the tensor", "there were \(driver.writingRuns)")
      }
    },
    .tensors("inputs-unchanged") { scene, operation in
      for choice in MergeScene.Choice.allCases {
        let shape = [5, 61]
        var plan = SuiteDriver.Plan()
        plan.protectsInputs = scene.options.protectsInputs
        let driver = SuiteDriver(scene.inputs(shape), shape: shape, plan: plan)
        try operation.merge(scene.request(driver, shape, parameters: scene.parameters(choice)))
        try require(driver.inputsAreUnchanged, "the inputs to be only read", "one of them was written to")
      }
    },
    .tensors("inside-its-block") { scene, operation in
      let shape = [5, 61], inputs = scene.inputs(shape)
      for choice in MergeScene.Choice.allCases {
        let expected = try scene.merge(operation, inputs, shape, choice)
        let found = try scene.merge(operation, inputs, shape, choice, plan: .init(isolatesBlocks: true))
        try requireSameBits(found, expected, "the same output where each block is lent alone")
      }
    },
    .tensors("only-what-it-asked-for") { scene, operation in
      let shape = [5, 61], inputs = scene.inputs(shape)
      for choice in MergeScene.Choice.allCases {
        let expected = try scene.merge(operation, inputs, shape, choice)
        let found = try scene.merge(operation, inputs, shape, choice, plan: .init(hidesOthers: true))
        try requireSameBits(found, expected, "the same output where inputs that it did not ask for hold NaN")
      }
    },
  ]

  /// What may not matter: how a tensor is cut, and by how many threads.
  static let cutting: [MergeCheck] = [
    .tensors("block-size") { scene, operation in
      let shape = [scene.options.rows, 50], inputs = scene.inputs(shape)
      for choice in MergeScene.Choice.allCases {
        let expected = try scene.merge(operation, inputs, shape, choice, plan: .init(blockSize: 50 * scene.options.rows, stripes: 1))
        for (blockSize, stripes) in [(1, 1), (7, 3), (50, 5), (333, 2), (50 * scene.options.rows - 1, 2)] {
          let found = try scene.merge(operation, inputs, shape, choice, plan: .init(blockSize: blockSize, stripes: stripes))
          // Sums in another order differ in their last bits; nothing else may.
          let wrong = found.indices.first { !isNear(found[$0], expected[$0]) }
          try require(
            wrong == nil, "the same output in blocks of \(blockSize) elements and \(stripes) stripes as in one block",
            "element \(wrong ?? 0) is \(found[wrong ?? 0]), not \(expected[wrong ?? 0])")
        }
      }
    },
    .tensors("threads") { scene, operation in
      let shape = [scene.options.rows, 50], inputs = scene.inputs(shape)
      for choice in MergeScene.Choice.allCases {
        let expected = try scene.merge(operation, inputs, shape, choice, plan: .init(blockSize: 50, stripes: 16))
        for threads in [2, 8] {
          for _ in 0..<4 {
            let found = try scene.merge(operation, inputs, shape, choice, plan: .init(blockSize: 50, stripes: 16, threads: threads))
            try requireSameBits(found, expected, "the same bits by \(threads) threads as by one")
          }
        }
      }
    },
  ]
}

/// Whether two numbers are the same but for rounding.
func isNear(_ a: Float, _ b: Float) -> Bool { a.bitPattern == b.bitPattern || abs(a - b) <= 1e-5 * abs(b) + 1e-6 || (a.isNaN && b.isNaN) }
