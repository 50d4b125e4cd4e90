internal import CModelKernels
internal import CentramNumerics

/// Drops inputs of a factor with a probability and scales the others up. Which are dropped depends on the seed, the module, the pass
/// and the element alone, so the backward pass draws the same again. Srivastava et al., 2014, https://jmlr.org/papers/v15/srivastava14a.html
struct Dropout {
  let probability: Double
  let seed: UInt64
  let name: String

  /// - Parameters:
  ///   - row: of the batch, that `source` starts with.
  ///   - columns: of each row.
  func apply(_ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, pass: UInt64, row: Int, rows: Int, columns: Int) {
    let random = ElementRandom(seed: seed, name: "dropout " + name, stream: Int(truncatingIfNeeded: pass & 0x7fff_ffff_ffff_ffff))
    let limit = ElementRandom.limit(probability) ?? .max
    let scale = Float(1 / (1 - probability))
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 1024) { words in
      guard let base = words.baseAddress else { return }
      var index = 0
      while index < rows * columns {
        let count = min(1024, rows * columns - index)
        random.fill(base, index: row * columns + index, count: count)
        mt_drop(base, limit, source + index, scale, target + index, count)
        index += count
      }
    }
  }
}
