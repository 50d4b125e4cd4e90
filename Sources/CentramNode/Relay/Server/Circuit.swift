internal import CentramWire

/// A circuit's name, 16 random bytes chosen by who asks for it.
public struct CircuitID: Hashable, Sendable, CustomStringConvertible {
  public static let byteCount = 16
  public let bytes: [UInt8]
  /// Nil unless there are 16 bytes.
  public init?(_ bytes: some Sequence<UInt8>) {
    self.bytes = Array(bytes)
    guard self.bytes.count == Self.byteCount else { return nil }
  }
  public var description: String { Hexadecimal.text(bytes) }
}

/// One circuit as the relay sees it.
struct Circuit: Sendable {
  enum State: Sendable, Equatable {
    /// The target was asked.
    case asked
    /// The target agreed; the ends open their streams.
    case accepted
    /// Both streams are there.
    case open
  }

  let initiator: NodeKey, target: NodeKey
  var state = State.asked
  var joined: Set<NodeKey> = []
  let asked: UInt64
  /// Bytes that it may still carry.
  var bytesLeft: Int
  var rate: Allowance

  func has(_ peer: NodeKey) -> Bool { peer == initiator || peer == target }
}
