/// Rotations that this node has seen proved: which key took the place of which. The signed bytes stay with each, so that the link can be shown.
public struct KeyLinks: Sendable, Equatable {
  public struct Link: Sendable, Equatable {
    public let old: [UInt8], new: [UInt8]
    public let number: UInt32
    /// From when the new key signs, and until when the old one is taken, in Unix milliseconds.
    public let effective: UInt64, end: UInt64
    /// The KeyRotation message, as it was sent.
    public let message: [UInt8]
  }

  /// Links in all; the one whose time of grace ended first makes room.
  static let capacity = 1_024
  /// A node's last changes that peers are told of when they meet it.
  static let historyLength = 8

  private var byOld: [[UInt8]: Link] = [:]

  public init() {}

  public var count: Int { byOld.count }
  /// In the order of their taking effect.
  var all: [Link] {
    byOld.values.sorted { a, b in
      let (first, second) = ((a.effective, a.number), (b.effective, b.number))
      return first == second ? a.old.lexicographicallyPrecedes(b.old) : first < second
    }
  }

  /// The link from a key that went.
  public func link(from old: [UInt8]) -> Link? { byOld[old] }

  /// The key that a peer uses now, starting from one that it used once.
  public func current(_ key: [UInt8]) -> [UInt8] {
    var (key, steps) = (key, 0)
    while let link = byOld[key], steps < 1_000 { (key, steps) = (link.new, steps + 1) }
    return key
  }

  /// How a key came to be a node's: the last change first, each from the key that the next one leads to.
  func history(of key: [UInt8]) -> [Link] {
    var (result, key) = ([Link](), key)
    while result.count < Self.historyLength, let link = byOld.values.filter({ $0.new == key }).max(by: { $0.number < $1.number }) {
      result.append(link)
      key = link.old
    }
    return result
  }

  /// Whether a key went and its time of grace is over.
  func isRetired(_ key: [UInt8], at milliseconds: UInt64) -> Bool { byOld[key].map { milliseconds > $0.end } ?? false }

  /// - Returns: whether it is new.
  @discardableResult mutating func add(_ link: Link) throws(SessionError) -> Bool {
    if let known = byOld[link.old] {
      guard known.new == link.new else { throw SessionError(.identity, "the key has gone over to another key before") }
      return false
    }
    guard current(link.new) != link.old else { throw SessionError(.identity, "the keys would take each other's place in a circle") }
    if byOld.count >= Self.capacity, let first = all.min(by: { $0.end < $1.end }) { byOld[first.old] = nil }
    byOld[link.old] = link
    return true
  }
}
