// SPDX-License-Identifier: Apache-2.0

/// Low-rank factors of one module in one adapter, lent for the call: ΔW = `scale` · B · A.
@frozen public struct AdapterFactors: @unchecked Sendable {
  /// rank × inputs, row-major.
  public let a: UnsafePointer<Float>
  /// outputs × rank, row-major.
  public let b: UnsafePointer<Float>
  public let rank: Int
  /// alpha / rank, or alpha / √rank with rsLoRA.
  public let scale: Double

  @inlinable public init(a: UnsafePointer<Float>, b: UnsafePointer<Float>, rank: Int, scale: Double) {
    (self.a, self.b, self.rank, self.scale) = (a, b, rank, scale)
  }
}

/// Merges adapters module by module, without the base model.
public protocol AdapterMerging: MergeOperator {
  /// Calls `request.emit` exactly once.
  func merge(_ request: AdapterMergeRequest) throws(PluginError)
}

/// One module to merge. The adapters that do not touch it are not among the inputs.
public struct AdapterMergeRequest: Sendable {
  /// `model.layers.0.self_attn.q_proj`.
  public let module: String
  public let outputs: Int
  public let inputs: Int
  public let models: [String]
  public let factors: [AdapterFactors]
  public let parameters: Parameters
  public let seed: UInt64
  /// Asked with the tensor names `MODULE|A`, `MODULE|B` or `MODULE|delta`.
  public let masks: (any MaskProvider)?
  public let host: any AdapterMergeHost

  public init(
    module: String, outputs: Int, inputs: Int, models: [String], factors: [AdapterFactors], parameters: Parameters,
    seed: UInt64 = 0, masks: (any MaskProvider)? = nil, host: any AdapterMergeHost
  ) {
    (self.module, self.outputs, self.inputs, self.models) = (module, outputs, inputs, models)
    (self.factors, self.parameters, self.seed, self.masks, self.host) = (factors, parameters, seed, masks, host)
  }

  /// Hands over the merged factors; ΔW = B · A, scale 1. `a` is rank × inputs, `b` outputs × rank, both row-major.
  public func emit(rank: Int, a: [Float], b: [Float]) throws(PluginError) {
    guard rank >= 0, a.count == rank * inputs, b.count == outputs * rank else {
      throw PluginError(
        .shapeMismatch, "\(module): factors of \(a.count) and \(b.count) elements do not make rank \(rank) for \(outputs) × \(inputs)")
    }
    try host.emit(module: module, rank: rank, a: a, b: b)
  }
}

public protocol AdapterMergeHost: Sendable {
  func emit(module: String, rank: Int, a: [Float], b: [Float]) throws(PluginError)
  /// Merges small matrices of the same size, one for each input, with another operator's rule: each is a change from
  /// a base of zeros. `weight`, `density` and the like are looked up in `parameters`.
  func apply(
    rule: String, to matrices: [[Float]], rows: Int, columns: Int, name: String, models: [String], parameters: Parameters, seed: UInt64
  ) throws(PluginError) -> [Float]
}

/// Makes low-rank factors of a matrix, as `merge extract-lora` needs them.
public protocol AdapterExtracting: MergeOperator {
  /// The best approximation of `matrix` (outputs × inputs, row-major) of rank at most `maximumRank`, singular values
  /// at most `threshold` left out. `distributeScale`: B = U √S and A = √S Vᵀ; else B = U and A = S Vᵀ.
  func extract(
    _ matrix: UnsafeBufferPointer<Float>, outputs: Int, inputs: Int, maximumRank: Int, threshold: Double, distributeScale: Bool
  ) throws(PluginError) -> LowRankFactors
}

/// ΔW = B · A.
public struct LowRankFactors: Sendable, Equatable {
  public var rank: Int
  /// rank × inputs.
  public var a: [Float]
  /// outputs × rank.
  public var b: [Float]
  public init(rank: Int, a: [Float], b: [Float]) { (self.rank, self.a, self.b) = (rank, a, b) }
}
