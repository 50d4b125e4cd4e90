import CentramMergeSupport
import CentramPluginAPI
import CKernels

/// Interpolation of vectors that run along the first axis: element j of each slice belongs to vector j.
struct ColumnSlerp {
  /// Columns whose sums are held at a time: a pass over the tensor each.
  static let tile = 1 << 16

  private let pair: [Int], base: Int?
  /// Elements a slice.
  private let columns: Int
  private var aa: [Double], ab: [Double], bb: [Double]

  init(_ request: MergeRequest, pair: [Int], base: Int?) throws(PluginError) {
    (self.pair, self.base) = (pair, base)
    let columns = request.shape.dropFirst().reduce(1, *)
    self.columns = columns
    (aa, ab, bb) = ([], [], [])
    for first in stride(from: 0, to: columns, by: Self.tile) {
      let tile = first..<min(first + Self.tile, columns), width = tile.count
      let sums = try request.reduce {
        Array(repeating: 0.0, count: 3 * width)
      } _: { (sums, block) in
        sums.withUnsafeMutableBufferPointer { sums in
          Self.forEachRun(block.offset, block.count, columns) { start, column, count in
            let run = tile.clamped(to: column..<(column + count))
            guard !run.isEmpty, let target = sums.baseAddress.map({ $0 + run.lowerBound - tile.lowerBound }) else { return }
            let at = start + run.lowerBound - column
            ck_column_dots(
              block.inputs[pair[0]] + at, block.inputs[pair[1]] + at, base.map { block.inputs[$0] + at }, run.count,
              target, target + width, target + 2 * width)
          }
        }
      } combine: { (total, part) in
        for index in part.indices { total[index] += part[index] }
      }
      aa += sums[..<width]
      ab += sums[width..<(2 * width)]
      bb += sums[(2 * width)...]
    }
  }

  func write(_ request: MergeRequest, _ t: Double) throws(PluginError) {
    var first: [Float] = [], second: [Float] = []
    for column in 0..<columns {
      let shares = NuSlerp.shares(t, aa[column], ab[column], bb[column])
      first.append(Float(shares[0]))
      second.append(Float(shares[1]))
    }
    let shares = (first, second)
    try request.forEachBlock { block in
      Self.forEachRun(block.offset, block.count, columns) { start, column, count in
        shares.0.withUnsafeBufferPointer { p in
          shares.1.withUnsafeBufferPointer { q in
            ck_combine_each(
              block.inputs[pair[0]] + start, block.inputs[pair[1]] + start, base.map { block.inputs[$0] + start },
              p.baseAddress! + column, q.baseAddress! + column, block.output + start, count)
          }
        }
      }
    }
  }

  /// Calls `body` for each run of a block that is in one slice: its start in the block, its first column, its length.
  private static func forEachRun(_ offset: Int, _ count: Int, _ columns: Int, _ body: (Int, Int, Int) -> Void) {
    var start = 0
    while start < count {
      let column = (offset + start) % columns
      let length = min(columns - column, count - start)
      body(start, column, length)
      start += length
    }
  }
}
