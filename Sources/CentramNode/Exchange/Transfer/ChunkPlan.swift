internal import CentramWire

/// Which chunks of a genome are there, which are on their way from whom, and which is next. A value without I/O.
struct ChunkPlan: Sendable {
  struct Chunk: Hashable, Sendable, Comparable {
    let file: Int, index: Int
    static func < (left: Chunk, right: Chunk) -> Bool { (left.file, left.index) < (right.file, right.index) }
  }

  private struct Order: Sendable {
    var peer: NodeKey
    /// Nanoseconds.
    var since: UInt64
  }

  private var isDone: [[Bool]]
  /// Those that nobody was asked for, the next one last.
  private var open: [Chunk] = []
  private var orders: [Chunk: [Order]] = [:]
  private(set) var left: Int
  /// By file, how many chunks from its beginning are there.
  private(set) var prefix: [Int]

  /// - Parameter done: by file and chunk, what is there already.
  init(done: [[Bool]]) {
    isDone = done
    prefix = done.map { $0.firstIndex(of: false) ?? $0.count }
    for (file, chunks) in done.enumerated() { for (index, isThere) in chunks.enumerated() where !isThere { open.append(Chunk(file: file, index: index)) } }
    left = open.count
    open.reverse()
  }

  var isWhole: Bool { left == 0 }

  /// The next chunk to ask of a peer: one that nobody was asked for, or else the one that another peer has owed longest, beyond `patience`
  /// nanoseconds.
  mutating func next(for peer: NodeKey, now: UInt64, patience: UInt64) -> (chunk: Chunk, isStolen: Bool)? {
    if let chunk = open.popLast() {
      orders[chunk, default: []].append(Order(peer: peer, since: now))
      return (chunk, false)
    }
    let late = orders.filter { _, orders in !orders.contains { $0.peer == peer } && orders.allSatisfy { now >= $0.since + patience } }
    guard let chunk = late.min(by: { ($0.value.map(\.since).min() ?? 0, $0.key) < ($1.value.map(\.since).min() ?? 0, $1.key) })?.key else { return nil }
    orders[chunk]?.append(Order(peer: peer, since: now))
    return (chunk, true)
  }

  /// A chunk is there.
  /// - Returns: whether it was not before.
  mutating func finish(_ chunk: Chunk) -> Bool {
    orders[chunk] = nil
    guard !isDone[chunk.file][chunk.index] else { return false }
    isDone[chunk.file][chunk.index] = true
    left -= 1
    while prefix[chunk.file] < isDone[chunk.file].count, isDone[chunk.file][prefix[chunk.file]] { prefix[chunk.file] += 1 }
    return true
  }

  /// A peer does not give a chunk: others may.
  mutating func giveBack(_ chunk: Chunk, _ peer: NodeKey) {
    guard !isDone[chunk.file][chunk.index] else { return }
    orders[chunk]?.removeAll { $0.peer == peer }
    guard orders[chunk]?.isEmpty ?? true else { return }
    orders[chunk] = nil
    if !open.contains(chunk) { open.append(chunk) }
  }

  /// Whether a peer was asked for a chunk and has not answered, or another one was faster.
  func isAsked(_ chunk: Chunk, of peer: NodeKey) -> Bool { orders[chunk]?.contains { $0.peer == peer } ?? false }

  /// Whether there is such a chunk.
  func has(_ chunk: Chunk) -> Bool { isDone.indices.contains(chunk.file) && isDone[chunk.file].indices.contains(chunk.index) }
}
