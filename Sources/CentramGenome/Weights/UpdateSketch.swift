/// A small image of an update ΔW that keeps angles: Σ over modules of S₁·ΔW·S₂ᵀ, where S₁ and S₂ are count sketches (Charikar, Chen and
/// Farach-Colton, 2002, https://doi.org/10.1007/3-540-45465-9_59) drawn by a secret key and the module's name. ΔW is never formed.
/// The cosine of two sketches is that of the updates, with an error that falls with the distance between them: within 0.01 near 1.
public struct UpdateSketch: Sendable, Equatable {
  public static let side = 32
  public static let count = side * side
  /// Row by row, of length 1; zeros for an update that is 0, and not finite for one whose values are too large for float32.
  public private(set) var values: [Float]

  /// Of an adapter's update.
  public init(_ adapter: AdapterMatrices, key: [UInt8]) {
    values = Array(repeating: 0, count: Self.count)
    for pair in adapter.pairs {
      let (a, b) = adapter.factors(of: pair)
      // The base's orientation: an embedding has a row for each input.
      let sides = pair.isEmbedding ? ["columns", "rows"] : ["rows", "columns"]
      let rows = Projection(key, pair.module, sides[0]), columns = Projection(key, pair.module, sides[1])
      var left = [Float](repeating: 0, count: Self.side * pair.rank), right = left
      for output in 0..<pair.outputs {
        let (bucket, sign) = rows.place(of: output)
        for k in 0..<pair.rank { left[bucket * pair.rank + k] += sign * b[output * pair.rank + k] }
      }
      for input in 0..<pair.inputs {
        let (bucket, sign) = columns.place(of: input)
        for k in 0..<pair.rank { right[bucket * pair.rank + k] += sign * a[k * pair.inputs + input] }
      }
      let scale = Float(pair.scale)
      for row in 0..<Self.side {
        for column in 0..<Self.side {
          var sum: Float = 0
          for k in 0..<pair.rank { sum += left[row * pair.rank + k] * right[column * pair.rank + k] }
          // Transposed for an embedding, so that it lies where the base's weight does.
          values[pair.isEmbedding ? column * Self.side + row : row * Self.side + column] += scale * sum
        }
      }
    }
    normalize()
  }

  /// Of a full difference; tensors of more than two axes are taken as matrices of their last one.
  public init(delta: SafetensorsView, key: [UInt8]) {
    values = Array(repeating: 0, count: Self.count)
    for tensor in delta.tensors {
      let module = tensor.name.hasSuffix(".weight") ? String(tensor.name.dropLast(7)) : tensor.name
      let rows = Projection(key, module, "rows"), columns = Projection(key, module, "columns")
      let floats = delta.floats(of: tensor), width = tensor.shape.last ?? 1
      let places = (0..<width).map(columns.place)
      for row in 0..<(floats.count / max(1, width)) {
        let (bucket, sign) = rows.place(of: row)
        for column in 0..<width { values[bucket * Self.side + places[column].bucket] += sign * places[column].sign * floats[row * width + column] }
      }
    }
    normalize()
  }

  public var isFinite: Bool { values.allSatisfy(\.isFinite) }

  private mutating func normalize() {
    let length = values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    guard length > 0 else { return }
    for index in values.indices { values[index] = Float(Double(values[index]) / length) }
  }

  /// Of two sketches' values, in [−1, 1]; 0 where one is 0, not finite, or of another size.
  public static func cosine(_ one: [Float], _ other: [Float]) -> Double {
    guard one.count == count, other.count == count else { return 0 }
    let product = one.withUnsafeBytes { x in
      other.withUnsafeBytes { y in
        var sums = SIMD16<Float>()
        for place in stride(from: 0, to: count * 4, by: 64) {
          sums += x.loadUnaligned(fromByteOffset: place, as: SIMD16<Float>.self) * y.loadUnaligned(fromByteOffset: place, as: SIMD16<Float>.self)
        }
        return Double(sums.sum())
      }
    }
    return product.isFinite ? min(1, max(-1, product)) : 0
  }
}

/// Where a count sketch puts each index, and with which sign.
private struct Projection {
  private let seed: UInt64

  init(_ key: [UInt8], _ module: String, _ side: String) {
    var hash = SHA256()
    hash.add(Array("centram/sketch/1\0\(side)\0".utf8))
    hash.add(key)
    hash.add([0] + Array(module.utf8))
    seed = hash.finish().prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  func place(of index: Int) -> (bucket: Int, sign: Float) {
    // SplitMix64 (Steele, Lea and Flood, 2014, https://doi.org/10.1145/2714064.2660195) at that place of its sequence.
    var word = seed &+ UInt64(index &+ 1) &* 0x9e37_79b9_7f4a_7c15
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    word ^= word >> 31
    return (Int(word % UInt64(UpdateSketch.side)), word >> 63 == 0 ? 1 : -1)
  }
}
