/// How a node is on the network.
public struct NodeSettings: Sendable {
  /// Addresses to listen on; the transports are found by their schemes.
  public var listen: [String] = []
  /// Whether every address of `listen` must work. If not, one is enough.
  public var needsAllListeners = true
  /// Whom to dial and to keep dialling.
  public var peers: [PeerReference] = []
  public var limits = Limits()
  /// Program and version, told to peers.
  public var agent = "centram"
  /// SHA-256 of the network's genesis, or empty: peers of another network are refused.
  public var network: [UInt8] = []
  /// Shortest and longest wait before a peer is dialled again.
  public var redialMilliseconds = 250...30_000

  public init() {}

  /// Where a node listens that was not told otherwise.
  /// A QUIC socket is of one family; a TCP socket on [::] takes IPv4 too.
  public static let standardListen = ["quic://[::]:9741", "quic://0.0.0.0:9741", "tcp://[::]:9741"]
}
