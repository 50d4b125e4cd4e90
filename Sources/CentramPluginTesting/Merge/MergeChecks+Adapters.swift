// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI

extension MergeCheck {
  static let ofAdapters: [MergeCheck] = [
    .adapters("adapter-shapes") { scene, operation in
      for (outputs, inputs, ranks) in [(5, 7, [2, 3, 1]), (1, 6, [1, 1]), (6, 1, [1, 1]), (4, 4, [4, 4]), (3, 9, [2]), (5, 7, [9, 2])] {
        let module = SuiteModule(outputs: outputs, inputs: inputs, ranks: ranks, seed: scene.options.seed)
        let found = try module.merge(operation, scene)
        try require((0...(outputs * inputs + 100)).contains(found.rank), "a rank of 0 or more", "it is \(found.rank)")
        try require((found.a + found.b).allSatisfy(\.isFinite), "finite factors for \(outputs) × \(inputs)", "one is not")
      }
    },
    .adapters("adapter-once") { scene, operation in
      let module = SuiteModule(outputs: 5, inputs: 7, ranks: [2, 3], seed: scene.options.seed)
      let host = SuiteAdapterHost()
      try operation.merge(module.request(scene, host))
      try require(host.emitted.count == 1, "emit to be called exactly once", "it was called \(host.emitted.count) times")
      try require(host.emitted.allSatisfy { $0.module == "suite.module" }, "the module that was asked for", "it was \(host.emitted.first?.module ?? "")")
    },
    .adapters("adapter-inputs-unchanged") { scene, operation in
      let module = SuiteModule(outputs: 5, inputs: 7, ranks: [2, 3], seed: scene.options.seed)
      _ = try module.merge(operation, scene)
      try require(module.isUnchanged, "the factors to be only read", "one was written to")
    },
    .adapters("adapter-repeatable") { scene, operation in
      for _ in 0..<3 {
        func module() -> SuiteModule { SuiteModule(outputs: 5, inputs: 7, ranks: [2, 3], seed: scene.options.seed) }
        let one = try module().merge(operation, scene)
        _ = try SuiteModule(outputs: 3, inputs: 4, ranks: [1, 2], seed: 99).merge(operation, scene)
        try require(try module().merge(operation, scene) == one, "the same factors again, also after another module", "they differ")
        if !scene.isRandom {
          try require(try module().merge(operation, scene, seed: 8) == one, "the seed not to matter, for the operator does not say that it draws", "the factors differ")
        }
      }
    },
    .adapters("adapter-identity") { scene, operation in
      let module = SuiteModule(outputs: 5, inputs: 7, ranks: [3], seed: scene.options.seed)
      let found = try module.merge(operation, scene).product(outputs: 5, inputs: 7), expected = module.sum(weights: [1])
      let wrong = found.indices.first { abs(found[$0] - expected[$0]) > 1e-4 }
      try require(wrong == nil, "one adapter of weight 1 to stay what it is", "an element of ΔW is \(found[wrong ?? 0]), not \(expected[wrong ?? 0])")
    },
    .adapters("adapter-missing-parameter") { scene, operation in
      let required = scene.info.parameters.filter(\.isRequired)
      guard !required.isEmpty else { throw Finding.skipped("it requires no parameter") }
      for parameter in required {
        let module = SuiteModule(outputs: 5, inputs: 7, ranks: [2, 3], seed: scene.options.seed)
        let error = try requireRefusal("a merge without the required \(parameter.name) to be refused") {
          try operation.merge(module.request(scene, SuiteAdapterHost(), parameters: scene.parameters(inputs: 2, without: parameter.name)))
        }
        try require(error.code == .invalid && error.message.contains(parameter.name), "an \"invalid\" error that names \(parameter.name)", "it was \(error)")
      }
    },
    .adapters("adapter-strange-numbers") { scene, operation in
      for strange in [Float.nan, .infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude, 0] {
        let module = SuiteModule(outputs: 5, inputs: 7, ranks: [2, 3], seed: scene.options.seed, strange: strange)
        let host = SuiteAdapterHost()
        do throws(PluginError) { try operation.merge(module.request(scene, host)) } catch {
          try require(!error.message.isEmpty, "factors with \(strange) to be merged, or refused with a sentence", "the \(error.code) error has no message")
          continue
        }
        try require(!host.emitted.isEmpty, "factors with \(strange) to be merged, or refused", "nothing was emitted")
      }
    },
    .adapters("adapter-host-error") { scene, operation in
      let module = SuiteModule(outputs: 5, inputs: 7, ranks: [2, 3], seed: scene.options.seed)
      let error = try requireRefusal("a merge to end with the error of the host that took no factors") {
        try operation.merge(module.request(scene, SuiteAdapterHost(refuses: true)))
      }
      try require(error.code == .cancelled, "the host's own error, \"cancelled\"", "it was \(error)")
    },
  ]

  static let ofExtraction: [MergeCheck] = [
    .extracts("extract-whole") { scene, operation in
      let module = SuiteModule(outputs: 8, inputs: 6, ranks: [3], seed: scene.options.seed), matrix = module.sum(weights: [1]).map(Float.init)
      for distributes in [true, false] {
        for most in [3, 6, 50] {
          let found = try scene.extract(operation, matrix, 8, 6, rank: most, distributes: distributes)
          let product = found.product(outputs: 8, inputs: 6)
          let wrong = product.indices.first { abs(product[$0] - Double(matrix[$0])) > 1e-4 }
          try require(wrong == nil, "factors of rank \(most) to make a matrix of rank 3 again", "an element is \(product[wrong ?? 0]), not \(matrix[wrong ?? 0])")
        }
      }
    },
    .extracts("extract-rank") { scene, operation in
      let matrix = SuiteModule(outputs: 8, inputs: 6, ranks: [6], seed: scene.options.seed).sum(weights: [1]).map(Float.init)
      var last = Double.infinity
      for most in 0...7 {
        let found = try scene.extract(operation, matrix, 8, 6, rank: most)
        try require((0...min(most, 6)).contains(found.rank), "a rank of at most \(most)", "it is \(found.rank)")
        let product = found.product(outputs: 8, inputs: 6)
        let error = product.indices.reduce(0) { $0 + (product[$1] - Double(matrix[$1])) * (product[$1] - Double(matrix[$1])) }
        try require(error <= last + 1e-6, "no larger an error from a larger rank", "with rank \(most) its square is \(error), with one less \(last)")
        last = error
      }
      let none = try scene.extract(operation, matrix, 8, 6, rank: 6, threshold: 1e9)
      try require(none.rank == 0, "singular values at most the threshold to be left out", "rank \(none.rank) is left under a threshold of 1e9")
    },
    .extracts("extract-size-refused") { scene, operation in
      let error = try requireRefusal("47 elements for 8 × 6 to be refused") {
        _ = try scene.extract(operation, Array(repeating: 1, count: 47), 8, 6, rank: 2, checks: false)
      }
      try require(error.code == .shapeMismatch || error.code == .invalid, "the code \"shape mismatch\" or \"invalid\"", "it was \(error)")
    },
  ]
}

extension MergeScene {
  func extract(
    _ operation: any AdapterExtracting, _ matrix: [Float], _ outputs: Int, _ inputs: Int, rank: Int, threshold: Double = 0, distributes: Bool = true, checks: Bool = true
  ) throws -> LowRankFactors {
    let lent = UnsafeMutableBufferPointer<Float>.allocate(capacity: matrix.count)
    _ = lent.initialize(from: matrix)
    defer { lent.deallocate() }
    let found = try operation.extract(
      UnsafeBufferPointer(lent), outputs: outputs, inputs: inputs, maximumRank: rank, threshold: threshold, distributeScale: distributes)
    try require(bits(Array(lent)) == bits(matrix), "the matrix to be only read", "it was written to")
    try require(
      !checks || (found.a.count == found.rank * inputs && found.b.count == outputs * found.rank), "factors of rank \(found.rank) for \(outputs) × \(inputs)",
      "they have \(found.a.count) and \(found.b.count) elements")
    return found
  }
}
