internal import CentramGenome
internal import CentramPluginAPI

/// A genome of the store as factors by module. A full difference counts as a product, too: the matrix and a unit matrix.
final class StoredUpdate: @unchecked Sendable {
  /// Sorted.
  let modules: [String]
  private let files: GenomeFiles
  private let source: Source

  private enum Source {
    case adapter(AdapterMatrices)
    case dense(SafetensorsView, [String: SafetensorsView.Tensor])
  }

  /// - Throws: `.malformed`.
  init(_ files: GenomeFiles, isAdapter: Bool) throws(GenomePackageError) {
    do throws(GenomeError) {
      if isAdapter {
        let matrices = try AdapterMatrices(configuration: files.configuration, weights: files.weights)
        (source, modules) = (.adapter(matrices), matrices.pairs.map(\.module))
      } else {
        let view = try SafetensorsView(files.weights)
        let tensors = Dictionary(view.tensors.map { ($0.name.hasSuffix(".weight") ? String($0.name.dropLast(7)) : $0.name, $0) }) { $1 }
        (source, modules) = (.dense(view, tensors), tensors.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
      }
    } catch { throw GenomePackageError(error, in: "an update") }
    self.files = files
  }

  func update(_ name: String) -> ModuleUpdate? {
    switch source {
    case .adapter(let matrices):
      guard let pair = matrices.pairs.first(where: { $0.module == name }) else { return nil }
      let (a, b) = matrices.factors(of: pair)
      return ModuleUpdate(module: name, outputs: pair.outputs, inputs: pair.inputs, scale: pair.scale, factors: LowRankFactors(rank: pair.rank, a: a, b: b))
    case .dense(let view, let tensors):
      guard let tensor = tensors[name] else { return nil }
      let columns = max(1, tensor.shape.last ?? 1), rows = tensor.count / columns, rank = min(rows, columns)
      var unit = [Float](repeating: 0, count: rank * rank)
      for place in 0..<rank { unit[place * rank + place] = 1 }
      let floats = view.floats(of: tensor)
      let factors = rows <= columns ? LowRankFactors(rank: rank, a: floats, b: unit) : LowRankFactors(rank: rank, a: unit, b: floats)
      return ModuleUpdate(module: name, outputs: rows, inputs: columns, scale: 1, factors: factors)
    }
  }
}
