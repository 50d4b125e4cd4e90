internal import CentramModel
internal import CentramNumerics

/// An update that knows nothing: normal factors with the ranks and the Frobenius norms of another's, a module each.
enum RandomUpdate {
  static func like(_ adapter: Adapter, seed: UInt64) throws(ModelFileError) -> AdapterContents {
    var modules: [AdapterContents.Module] = []
    for module in adapter.modules where module.kind == .linear && module.rank > 0 {
      let (a, b) = try adapter.factors(of: module)
      let norm = abs(module.scale) * product(a, b, rank: module.rank, inputs: module.inputs, outputs: module.outputs)
      let left = InitialWeights.normal(a.count, seed: seed, name: module.name + "|A")
      var right = InitialWeights.normal(b.count, seed: seed, name: module.name + "|B")
      let drawn = product(left, right, rank: module.rank, inputs: module.inputs, outputs: module.outputs)
      let factor = drawn > 0 ? Float(norm / drawn) : 0
      for index in right.indices { right[index] *= factor }
      modules.append(.init(name: module.name, outputs: module.outputs, inputs: module.inputs, rank: module.rank, a: left, b: right))
    }
    return AdapterContents(modules: modules)
  }

  /// ‖B·A‖ in Frobenius's norm, from the two rank × rank matrices: its square is trace((A·Aᵀ)(Bᵀ·B)).
  static func product(_ a: [Float], _ b: [Float], rank: Int, inputs: Int, outputs: Int) -> Double {
    var sum = 0.0
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        for i in 0..<rank {
          for j in 0...i {
            var rows = 0.0, columns = 0.0, index = 0
            while index < inputs {
              rows += Double(a[i * inputs + index]) * Double(a[j * inputs + index])
              index += 1
            }
            index = 0
            while index < outputs {
              columns += Double(b[index * rank + i]) * Double(b[index * rank + j])
              index += 1
            }
            sum += (i == j ? 1 : 2) * rows * columns
          }
        }
      }
    }
    return max(0, sum).squareRoot()
  }
}
