// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import Synchronization

/// A module in several adapters, with factors that live as long as this.
final class SuiteModule: @unchecked Sendable {
  let outputs: Int, inputs: Int
  private let factors: [AdapterFactors], original: [(a: [Float], b: [Float])]

  /// - Parameter strange: put into every adapter's factors twice.
  init(outputs: Int, inputs: Int, ranks: [Int], seed: UInt64, strange: Float? = nil) {
    (self.outputs, self.inputs) = (outputs, inputs)
    var random = SuiteRandom(seed)
    var original: [(a: [Float], b: [Float])] = []
    for rank in ranks {
      var a = (0..<rank * inputs).map { _ in random.float() }, b = (0..<outputs * rank).map { _ in random.float() }
      if let strange { (a[random.below(a.count)], b[random.below(b.count)]) = (strange, strange) }
      original.append((a, b))
    }
    self.original = original
    factors = zip(original, ranks).map { pair, rank in
      let a = UnsafeMutablePointer<Float>.allocate(capacity: pair.a.count), b = UnsafeMutablePointer<Float>.allocate(capacity: pair.b.count)
      a.initialize(from: pair.a, count: pair.a.count)
      b.initialize(from: pair.b, count: pair.b.count)
      return AdapterFactors(a: UnsafePointer(a), b: UnsafePointer(b), rank: rank, scale: 0.5)
    }
  }

  deinit {
    for factor in factors {
      factor.a.deallocate()
      factor.b.deallocate()
    }
  }

  var isUnchanged: Bool {
    zip(factors, original).allSatisfy { lent, values in
      values.a.indices.allSatisfy { lent.a[$0].bitPattern == values.a[$0].bitPattern } && values.b.indices.allSatisfy { lent.b[$0].bitPattern == values.b[$0].bitPattern }
    }
  }

  /// Σ wᵢ sᵢ Bᵢ Aᵢ in double precision, row-major.
  func sum(weights: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: outputs * inputs)
    for (index, pair) in original.enumerated() {
      let part = LowRankFactors(rank: factors[index].rank, a: pair.a, b: pair.b).product(outputs: outputs, inputs: inputs)
      for place in result.indices { result[place] += weights[index] * factors[index].scale * part[place] }
    }
    return result
  }

  func request(_ scene: MergeScene, _ host: SuiteAdapterHost, parameters: Parameters? = nil, seed: UInt64 = 7) -> AdapterMergeRequest {
    AdapterMergeRequest(
      module: "suite.module", outputs: outputs, inputs: inputs, models: factors.indices.map { "model\($0)" }, factors: factors,
      parameters: parameters ?? scene.parameters(inputs: factors.count), seed: seed, host: host)
  }

  func merge(_ operation: any AdapterMerging, _ scene: MergeScene, seed: UInt64 = 7) throws -> LowRankFactors {
    let host = SuiteAdapterHost()
    try operation.merge(request(scene, host, seed: seed))
    guard let found = host.emitted.first else { throw Finding.failed("factors to be emitted", "none were") }
    return found.factors
  }
}

/// Keeps what is emitted, and has one rule for small matrices: their sum by weight, which is 1 where none is given.
final class SuiteAdapterHost: AdapterMergeHost {
  private let refuses: Bool
  private let state = Mutex<[(module: String, factors: LowRankFactors)]>([])
  init(refuses: Bool = false) { self.refuses = refuses }
  var emitted: [(module: String, factors: LowRankFactors)] { state.withLock { $0 } }

  func emit(module: String, rank: Int, a: [Float], b: [Float]) throws(PluginError) {
    if refuses { throw PluginError(.cancelled, "the suite takes no factors") }
    state.withLock { $0.append((module, LowRankFactors(rank: rank, a: a, b: b))) }
  }

  func apply(
    rule: String, to matrices: [[Float]], rows: Int, columns: Int, name: String, models: [String], parameters: Parameters, seed: UInt64
  ) throws(PluginError) -> [Float] {
    var result = [Float](repeating: 0, count: rows * columns)
    for (input, matrix) in matrices.enumerated() {
      guard matrix.count == rows * columns else { throw PluginError(.shapeMismatch, "\(name): \(matrix.count) elements do not make \(rows) × \(columns)") }
      let weight = Float(try parameters.number("weight", input: input) ?? 1)
      for index in result.indices { result[index] += weight * matrix[index] }
    }
    return result
  }
}

extension LowRankFactors {
  /// B · A in double precision, row-major.
  func product(outputs: Int, inputs: Int) -> [Double] {
    var result = [Double](repeating: 0, count: outputs * inputs)
    for row in 0..<outputs {
      for k in 0..<rank {
        for column in 0..<inputs { result[row * inputs + column] += Double(b[row * rank + k]) * Double(a[k * inputs + column]) }
      }
    }
    return result
  }
}
