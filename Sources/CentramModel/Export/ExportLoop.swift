internal import Foundation
internal import Synchronization

/// Encodes tensors a few rows at a time, on all cores, and hands the bytes on.
struct ExportLoop: Sendable {
  /// How a tensor's values become bytes of its file.
  enum Encoding: Sendable, Equatable {
    case number(NumberFormat)
    case weight(WeightFormat)

    func size(columns: Int) -> Int {
      switch self {
      case .number(let format): columns * format.size
      case .weight(let format): format.rowSize(columns: columns) ?? 0
      }
    }
    /// The weight format that holds the same bytes.
    var plain: WeightFormat? {
      switch self {
      case .weight(let format): format
      case .number(.float32): .f32
      case .number(.float16): .f16
      case .number(.bfloat16): .bf16
      case .number: nil
      }
    }
  }

  let total: Int
  let observer: ExportObserver
  private let state = Counter()

  init(total: Int, observer: ExportObserver) { (self.total, self.observer) = (total, observer) }

  static let chunk = 1 << 18

  /// - Parameters:
  ///   - rowOrder: the row of the tensor that stands at a row of the file; nil for the tensor's own order.
  ///   - write: takes bytes and their offset in the tensor; called from several threads.
  func run(
    _ tensor: FoldedTensor, as encoding: Encoding, rowOrder: (@Sendable (Int) -> Int)? = nil,
    write: @escaping @Sendable (UnsafeRawBufferPointer, Int) throws(ModelFileError) -> Void
  ) throws(ModelFileError) {
    let rowsAtOnce = max(1, Self.chunk / max(1, tensor.columns)), chunks = (tensor.rows + rowsAtOnce - 1) / rowsAtOnce
    let failure = Mutex<ModelFileError?>(nil)
    DispatchQueue.concurrentPerform(iterations: chunks) { chunk in
      guard failure.withLock({ $0 == nil }) else { return }
      let rows = (chunk * rowsAtOnce)..<min(tensor.rows, (chunk + 1) * rowsAtOnce)
      do throws(ModelFileError) {
        guard !observer.isCancelled() else { throw ModelFileError(.cancelled, "the export was stopped") }
        try step(tensor, rows, encoding, rowOrder, write)
      } catch {
        failure.withLock { if $0 == nil { $0 = error } }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  private func step(
    _ tensor: FoldedTensor, _ rows: Range<Int>, _ encoding: Encoding, _ rowOrder: (@Sendable (Int) -> Int)?,
    _ write: @Sendable (UnsafeRawBufferPointer, Int) throws(ModelFileError) -> Void
  ) throws(ModelFileError) {
    let size = encoding.size(columns: tensor.columns)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size * rows.count, alignment: 64)
    defer { buffer.deallocate() }
    if let matrix = tensor.untouched, matrix.format == encoding.plain {
      // The same format and nothing folded in: the bytes stay as they are.
      for (index, row) in rows.enumerated() {
        (buffer.baseAddress! + index * size).copyMemory(from: matrix.bytes + (rowOrder?(row) ?? row) * size, byteCount: size)
      }
    } else {
      for (index, row) in rows.enumerated() {
        let source = rowOrder?(row) ?? row
        try encode(tensor.floats(rows: source..<(source + 1)), tensor, encoding, buffer.baseAddress! + index * size)
      }
    }
    try write(UnsafeRawBufferPointer(buffer), rows.lowerBound * size)
    observer.progress(state.add(rows.count * tensor.columns), total)
  }

  private func encode(_ floats: [Float], _ tensor: FoldedTensor, _ encoding: Encoding, _ target: UnsafeMutableRawPointer) throws(ModelFileError) {
    // Float16 ends at 65504, and rounds to infinity from 65520 on; blocks keep their scales so.
    if encoding.plain != .f32, encoding.plain != .bf16, let large = floats.first(where: { !(abs($0) < 65520) }) {
      throw ModelFileError(.unwritable, "\(tensor.name) holds \(large), which \(encoding.name) cannot; take bfloat16 or float32")
    }
    switch encoding {
    case .number(let format): format.encode(floats, count: floats.count, into: target)
    case .weight(let format):
      guard format.quantize(floats, into: target) else { preconditionFailure("rows of \(floats.count) are stored as \(format.name)") }
    }
  }
}

extension ExportLoop.Encoding {
  var name: String {
    switch self {
    case .number(let format): format.torchName
    case .weight(let format): format.name
    }
  }
}

private final class Counter: Sendable {
  private let value = Atomic(0)
  func add(_ count: Int) -> Int { value.add(count, ordering: .relaxed).newValue }
}
