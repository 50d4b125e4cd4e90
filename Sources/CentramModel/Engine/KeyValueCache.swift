internal import Foundation

/// Keys and values of one session, float32, for the positions that a model has read. Memory is taken page by page as
/// positions come, whatever the capacity. A cache belongs to one session and is used by one engine at a time.
public final class KeyValueCache {
  /// The blocks whose keys and values it holds.
  public let layers: Range<Int>
  /// Floats of one position's keys in one layer; as many for its values.
  public let width: Int
  /// Positions that it can hold, at most the model's context.
  public let capacity: Int
  private let keys: UnsafeMutablePointer<Float>
  private let values: UnsafeMutablePointer<Float>
  /// Positions present, a layer: they differ only while a model runs in parts.
  private let lengths: UnsafeMutableBufferPointer<Int>
  private let byteCount: Int

  /// - Parameters:
  ///   - capacity: positions; nil for the model's whole context.
  ///   - layers: nil for all that the model has bound.
  /// - Throws: `.limit` for a capacity beyond the model's context, and where memory cannot be reserved.
  public convenience init(model: LanguageModel, capacity: Int? = nil, layers: Range<Int>? = nil) throws(ModelFileError) {
    let context = model.configuration.usableContext
    let wanted = capacity ?? context
    guard wanted >= 1, wanted <= context else {
      throw ModelFileError(.limit, "a cache for \(wanted) positions: \(model.path) has a context of 1 to \(context)")
    }
    let range = layers ?? model.layers
    guard !range.isEmpty, model.layers.contains(range.lowerBound), model.layers.contains(range.upperBound - 1) else {
      throw ModelFileError(.invalid, "a cache for the layers \(range): \(model.path) has bound \(model.layers)")
    }
    try self.init(layers: range, width: model.configuration.keyValueWidth, capacity: wanted)
  }

  init(layers: Range<Int>, width: Int, capacity: Int) throws(ModelFileError) {
    // A configuration within its limits can ask for more than there are addresses.
    let (floats, overflow) = (layers.count * width).multipliedReportingOverflow(by: 2 * capacity)
    let (bytes, tooLarge) = floats.multipliedReportingOverflow(by: MemoryLayout<Float>.stride)
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    guard !overflow, !tooLarge, let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0), memory != MAP_FAILED else {
      let size = overflow || tooLarge ? "more than 2⁶³" : "\(bytes)"
      throw ModelFileError(.limit, "a cache for \(capacity) positions takes \(size) bytes, which cannot be reserved; give it a smaller capacity")
    }
    keys = memory.bindMemory(to: Float.self, capacity: floats)
    values = keys + floats / 2
    byteCount = bytes
    lengths = .allocate(capacity: layers.count)
    lengths.initialize(repeating: 0)
    (self.layers, self.width, self.capacity) = (layers, width, capacity)
  }

  deinit {
    munmap(keys, byteCount)
    lengths.deallocate()
  }

  /// Positions that all layers have.
  public var count: Int { lengths.min() ?? 0 }

  /// Forgets the positions from `count` on. Does nothing where there are fewer.
  public func truncate(to count: Int) {
    precondition(count >= 0, "a session cannot have \(count) positions")
    for index in lengths.indices { lengths[index] = min(lengths[index], count) }
  }

  /// A session that goes on from the first `count` positions of this one, on its own.
  /// - Parameters:
  ///   - count: nil for all.
  ///   - capacity: nil for this one's.
  public func copy(count: Int? = nil, capacity: Int? = nil) throws(ModelFileError) -> KeyValueCache {
    let wanted = count ?? self.count
    guard wanted >= 0, wanted <= self.count else {
      throw ModelFileError(.limit, "\(wanted) positions cannot be copied from a cache that has \(self.count)")
    }
    guard (capacity ?? self.capacity) >= max(wanted, 1) else {
      throw ModelFileError(.limit, "\(wanted) positions do not fit into a cache of \(capacity ?? self.capacity)")
    }
    let copy = try KeyValueCache(layers: layers, width: width, capacity: capacity ?? self.capacity)
    for layer in layers {
      copy.keys(layer).update(from: keys(layer), count: wanted * width)
      copy.values(layer).update(from: values(layer), count: wanted * width)
      copy.setLength(wanted, layer)
    }
    return copy
  }

  func keys(_ layer: Int) -> UnsafeMutablePointer<Float> { keys + (layer - layers.lowerBound) * capacity * width }
  func values(_ layer: Int) -> UnsafeMutablePointer<Float> { values + (layer - layers.lowerBound) * capacity * width }
  func length(_ layer: Int) -> Int { lengths[layer - layers.lowerBound] }
  func setLength(_ length: Int, _ layer: Int) { lengths[layer - layers.lowerBound] = length }
}
