internal import CentramGateSupport
public import CentramGenome
internal import CentramLinearAlgebra
public import CentramPluginAPI

/// A candidate's update as factors by module. A full delta counts as a product, too: the matrix itself and a unit matrix, so that every
/// statistic has one way to be computed. The candidate's weights must outlive this.
public struct CandidateUpdate {
  /// Of an adapter's rank, and of the smaller extent of a full delta's matrix: memory goes by the square of it, work by the third power.
  public static let maximumRank = 1024

  public let manifest: Manifest
  /// Sorted. A full delta's are its tensors' names without `.weight`.
  public let modules: [String]
  private let source: Source

  private enum Source {
    case adapter(AdapterMatrices)
    case dense(SafetensorsView, [SafetensorsView.Tensor])
  }

  /// - Throws: `.invalid` where manifest, settings or weights cannot be read; `.unsupported` beyond `maximumRank`.
  public init(_ candidate: GenomeCandidate) throws(PluginError) {
    manifest = try candidate.openedManifest()
    let kind = manifest.kind
    switch kind {
    case .adapter:
      let matrices = try Self.reading { () throws(GenomeError) in
        try AdapterMatrices(configuration: candidate.adapterConfiguration, weights: candidate.weights)
      }
      for pair in matrices.pairs where pair.rank > Self.maximumRank {
        throw PluginError(.unsupported, "\(pair.module) has rank \(pair.rank); updates are measured up to rank \(Self.maximumRank)")
      }
      (source, modules) = (.adapter(matrices), matrices.pairs.map(\.module))
    case .fullDelta:
      let view = try Self.reading { () throws(GenomeError) in try SafetensorsView(candidate.weights) }
      let tensors = view.tensors.sorted { $0.name < $1.name }
      for tensor in tensors {
        let (rows, columns) = Self.extents(tensor)
        guard min(rows, columns) <= Self.maximumRank else {
          throw PluginError(
            .unsupported,
            "\(tensor.name) is \(rows) × \(columns); full deltas are measured up to \(Self.maximumRank) in the smaller extent: send an adapter (merge extract-lora)")
        }
      }
      source = .dense(view, tensors)
      modules = tensors.map { $0.name.hasSuffix(".weight") ? String($0.name.dropLast(7)) : $0.name }
      guard Set(modules).count == modules.count else { throw PluginError(.invalid, "the delta names a tensor twice, with and without .weight") }
    }
  }

  /// One module's factors.
  public func update(_ index: Int) -> ModuleUpdate {
    switch source {
    case .adapter(let matrices):
      let pair = matrices.pairs[index]
      let (a, b) = matrices.factors(of: pair)
      return ModuleUpdate(module: pair.module, outputs: pair.outputs, inputs: pair.inputs, scale: pair.scale, factors: LowRankFactors(rank: pair.rank, a: a, b: b))
    case .dense(let view, let tensors):
      let (rows, columns) = Self.extents(tensors[index])
      let floats = view.floats(of: tensors[index]), rank = min(rows, columns)
      var unit = [Float](repeating: 0, count: rank * rank)
      for place in 0..<rank { unit[place * rank + place] = 1 }
      let factors = rows <= columns ? LowRankFactors(rank: rank, a: floats, b: unit) : LowRankFactors(rank: rank, a: unit, b: floats)
      return ModuleUpdate(module: modules[index], outputs: rows, inputs: columns, scale: 1, factors: factors)
    }
  }

  public func spectrum(_ index: Int) throws(PluginError) -> ModuleSpectrum { try update(index).spectrum() }

  /// Vectors are one row.
  private static func extents(_ tensor: SafetensorsView.Tensor) -> (rows: Int, columns: Int) {
    let columns = max(1, tensor.shape.last ?? 1)
    return (tensor.count / columns, columns)
  }

  private static func reading<Value>(_ body: () throws(GenomeError) -> Value) throws(PluginError) -> Value {
    do throws(GenomeError) { return try body() } catch { throw PluginError(.invalid, error.message) }
  }
}

extension ModuleUpdate {
  /// - Throws: `.invalid` for factors that are not finite.
  public func spectrum() throws(PluginError) -> ModuleSpectrum {
    // Taken out of the buffers first: a throwing closure in them upsets the release optimizer.
    let a = factors.a.withUnsafeBufferPointer { Matrix(rows: factors.rank, columns: inputs, buffer: $0) }
    let b = factors.b.withUnsafeBufferPointer { Matrix(rows: outputs, columns: factors.rank, buffer: $0) }
    do throws(LinearAlgebraError) {
      return try ModuleSpectrum(a: a, b: b, scale: scale)
    } catch { throw PluginError(error.code == .notFinite ? .invalid : .internalFailure, "\(module): \(error.message)") }
  }
}

extension Matrix {
  init(rows: Int, columns: Int, buffer: UnsafeBufferPointer<Float>) {
    precondition(buffer.count == rows * columns, "\(buffer.count) elements do not make \(rows) × \(columns)")
    guard let start = buffer.baseAddress else {
      self.init(zeros: rows, columns)
      return
    }
    self.init(rows: rows, columns: columns, floats: start)
  }
}
