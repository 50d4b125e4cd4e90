internal import CentramWire
internal import Foundation

/// Rotations that this node has seen proved: which key took the place of which. The signed bytes stay with each, so that the link can be shown.
public struct KeyLinks: Sendable {
  public struct Link: Sendable, Equatable {
    public let old: [UInt8], new: [UInt8]
    public let number: UInt32
    /// From when the new key signs, and until when the old one is taken, in Unix milliseconds.
    public let effective: UInt64, end: UInt64
    /// The KeyRotation message, as it was sent.
    public let message: [UInt8]
  }

  private var byOld: [[UInt8]: Link] = [:]

  public init() {}

  public var count: Int { byOld.count }

  /// The link from a key that went.
  public func link(from old: [UInt8]) -> Link? { byOld[old] }

  /// The key that a peer uses now, starting from one that it used once.
  public func current(_ key: [UInt8]) -> [UInt8] {
    var (key, steps) = (key, 0)
    while let link = byOld[key], steps < 1_000 { (key, steps) = (link.new, steps + 1) }
    return key
  }

  /// Whether a key went and its time of grace is over.
  func isRetired(_ key: [UInt8], at milliseconds: UInt64) -> Bool { byOld[key].map { milliseconds > $0.end } ?? false }

  mutating func add(_ link: Link) throws(SessionError) {
    if let known = byOld[link.old] {
      guard known.new == link.new else { throw SessionError(.identity, "the key has gone over to another key before") }
      return
    }
    guard current(link.new) != link.old else { throw SessionError(.identity, "the keys would take each other's place in a circle") }
    byOld[link.old] = link
  }
}
