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
    public init() {}
  }

  private enum State { case candidate, asked, answered, failed }
  private struct Node { var record: VerifiedRecord, point: TablePoint, state = State.candidate }

  public let target: TablePoint
  private let settings: Settings
  private let own: NodeKey
  private var nodes: [NodeKey: Node] = [:]
  private var prefixes: [NetworkPrefix: Int] = [:]
  public private(set) var queries = 0

  public init(target: TablePoint, own: NodeKey, from contacts: [VerifiedRecord], settings: Settings = Settings()) {
    (self.target, self.own, self.settings) = (target, own, settings)
    for record in contacts { add(record) }
  }

  /// Whom to ask now; they count as asked.
  public mutating func next() -> [VerifiedRecord] {
    guard !isDone else { return [] }
    let asked = nodes.values.count { $0.state == .asked }
    let chosen = front.filter { $0.state == .candidate }.prefix(min(settings.parallel - asked, settings.queries - queries))
    for node in chosen { nodes[node.record.key]!.state = .asked }
    queries += chosen.count
    return chosen.map(\.record)
  }

  /// A node answered with records that were verified.
  public mutating func answered(_ key: NodeKey, _ records: [VerifiedRecord]) {
    guard nodes[key]?.state == .asked else { return }
    nodes[key]!.state = .answered
    for record in records.prefix(settings.nearest) { add(record) }
  }

  public mutating func failed(_ key: NodeKey) {
    guard nodes[key]?.state == .asked else { return }
    nodes[key]!.state = .failed
  }

  /// Whether nobody is left to ask that could be nearer than those who answered.
  public var isDone: Bool {
    if front.allSatisfy({ $0.state == .answered }) { return true }
    return queries >= settings.queries && !nodes.values.contains { $0.state == .asked }
  }

  /// Those who answered, nearest first.
  public var result: [VerifiedRecord] {
    Array(nodes.values.filter { $0.state == .answered }.sorted { target.isNearer($0.point, than: $1.point) }.prefix(settings.nearest).map(\.record))
  }

  /// The nearest that have not failed.
  private var front: [Node] {
    Array(nodes.values.filter { $0.state != .failed }.sorted { target.isNearer($0.point, than: $1.point) }.prefix(settings.nearest))
  }

  private mutating func add(_ record: VerifiedRecord) {
    guard record.key != own else { return }
    if let known = nodes[record.key] {
      if known.state == .candidate && record.number > known.record.number { nodes[record.key]!.record = record }
      return
    }
    // Enough for any search; a hostile answer has at most twenty.
    guard nodes.count < settings.queries * settings.nearest else { return }
    let networks = Set(record.addresses.filter { $0.ip?.reach == .world }.map(\.prefix))
    guard networks.allSatisfy({ prefixes[$0, default: 0] < settings.perPrefix }) else { return }
    for network in networks { prefixes[network, default: 0] += 1 }
    nodes[record.key] = Node(record: record, point: TablePoint(of: record.key))
  }
}
