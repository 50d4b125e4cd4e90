public import CentramWire

/// One search in the table: asks the nearest known nodes, three at a time, for nearer ones, until the twenty nearest that answer are found. Pure: ask what
/// `next` names, and tell what came of it.
///
/// Against hostile answers: of one network at most a few candidates are taken, what one node names beyond twenty is not read, and the search is bounded.
public struct TableLookup: Sendable {
  public struct Settings: Sendable {
    public var parallel = 3, nearest = 20
    /// Nodes asked in one search.
    public var queries = 80
    /// Candidates of one network (/24 or /64).
    public var perPrefix = 4
    public init(parallel: Int = 3) { self.parallel = parallel }
  }

  private enum State { case candidate, asked, answered, failed }
  private struct Node { var record: VerifiedRecord, distance: TablePoint, state = State.candidate }

  public let target: TablePoint
  private let settings: Settings
  private let own: NodeKey
  /// Nearest first.
  private var nodes: [Node] = []
  private var prefixes: [NetworkPrefix: Int] = [:]
  public private(set) var queries = 0

  public init(target: TablePoint, own: NodeKey, from contacts: [VerifiedRecord], settings: Settings = Settings()) {
    (self.target, self.own, self.settings) = (target, own, settings)
    for record in contacts { add(record) }
  }

  /// Whom to ask now; they count as asked.
  public mutating func next() -> [VerifiedRecord] {
    var room = min(settings.parallel - nodes.count { $0.state == .asked }, settings.queries - queries), chosen: [VerifiedRecord] = []
    for index in front where nodes[index].state == .candidate && room > 0 {
      nodes[index].state = .asked
      chosen.append(nodes[index].record)
      (room, queries) = (room - 1, queries + 1)
    }
    return chosen
  }

  /// A node answered with records that were verified.
  public mutating func answered(_ key: NodeKey, _ records: [VerifiedRecord]) {
    guard settle(key, .answered) else { return }
    for record in records.prefix(settings.nearest) { add(record) }
  }

  public mutating func failed(_ key: NodeKey) { _ = settle(key, .failed) }

  /// Whether nobody is left to ask that could be nearer than those who answered.
  public var isDone: Bool {
    if front.allSatisfy({ nodes[$0].state == .answered }) { return true }
    return queries >= settings.queries && !nodes.contains { $0.state == .asked }
  }

  /// Those who answered, nearest first.
  public var result: [VerifiedRecord] { Array(nodes.lazy.filter { $0.state == .answered }.prefix(settings.nearest).map(\.record)) }

  /// Places of the nearest that have not failed.
  private var front: [Int] {
    var result: [Int] = []
    for index in nodes.indices where nodes[index].state != .failed {
      result.append(index)
      if result.count == settings.nearest { break }
    }
    return result
  }

  private mutating func settle(_ key: NodeKey, _ state: State) -> Bool {
    let (place, isThere) = place(target.distance(to: TablePoint(of: key)))
    guard isThere, nodes[place].state == .asked else { return false }
    nodes[place].state = state
    return true
  }

  private mutating func add(_ record: VerifiedRecord) {
    guard record.key != own else { return }
    let distance = target.distance(to: TablePoint(of: record.key)), (place, isThere) = place(distance)
    if isThere {
      if nodes[place].state == .candidate && record.number > nodes[place].record.number { nodes[place].record = record }
      return
    }
    // Enough for any search.
    guard nodes.count < settings.queries * settings.nearest else { return }
    let networks = record.prefixes
    guard networks.allSatisfy({ prefixes[$0, default: 0] < settings.perPrefix }) else { return }
    for network in networks { prefixes[network, default: 0] += 1 }
    nodes.insert(Node(record: record, distance: distance), at: place)
  }

  /// Where a distance stands or would stand.
  private func place(_ distance: TablePoint) -> (Int, Bool) {
    var low = 0, high = nodes.count
    while low < high {
      let middle = (low + high) / 2
      if nodes[middle].distance < distance { low = middle + 1 } else { high = middle }
    }
    return (low, low < nodes.count && nodes[low].distance == distance)
  }
}
