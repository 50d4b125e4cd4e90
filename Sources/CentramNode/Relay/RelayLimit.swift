/// What others can make this node carry, dial or keep as a relay and as a helper of nodes behind routers. Each is a setting with a default and is
/// counted when somebody reaches it.
public enum RelayLimit: String, CaseIterable, Sendable {
  case reservations, reservationMilliseconds
  case circuits, circuitsPerPeer, circuitBytes, circuitBytesPerSecond, relayBytesPerSecond, circuitMilliseconds, circuitOpeningMilliseconds
  case circuitRequestsPerPeerAndMinute
  case dialBacksPerPeerAndMinute, dialBacksPerPrefixAndMinute, dialBacksPerMinute, dialBackCandidates, dialBackPortsPerAddressAndHour
  case punchesPerPeerAndMinute, punchAttempts, punchCandidates

  /// What holds where nothing is configured.
  public var standard: Int {
    switch self {
    case .reservations: 128
    case .reservationMilliseconds: 3_600_000
    case .circuits: 64
    case .circuitsPerPeer: 4
    case .circuitBytes: 256 << 20
    case .circuitBytesPerSecond: 1 << 20
    case .relayBytesPerSecond: 4 << 20
    case .circuitMilliseconds: 7_200_000
    case .circuitOpeningMilliseconds: 15_000
    case .circuitRequestsPerPeerAndMinute: 30
    case .dialBacksPerPeerAndMinute: 2
    case .dialBacksPerPrefixAndMinute: 6
    case .dialBacksPerMinute: 30
    case .dialBackCandidates: 2
    case .dialBackPortsPerAddressAndHour: 8
    case .punchesPerPeerAndMinute: 4
    case .punchAttempts: 3
    case .punchCandidates: 4
    }
  }

  /// What is limited, for people.
  public var summary: String {
    switch self {
    case .reservations: "nodes that may be reached through this relay at one time"
    case .reservationMilliseconds: "how long a reservation stands before it must be renewed"
    case .circuits: "circuits of all peers together"
    case .circuitsPerPeer: "circuits of which a peer is one end"
    case .circuitBytes: "bytes that a circuit carries, both ways together, before it is closed"
    case .circuitBytesPerSecond: "bytes a second that a circuit carries, both ways together"
    case .relayBytesPerSecond: "bytes a second of all circuits together"
    case .circuitMilliseconds: "how long a circuit lasts before it is closed"
    case .circuitOpeningMilliseconds: "how long a circuit may take from the request to the first byte"
    case .circuitRequestsPerPeerAndMinute: "reservations and circuits that a peer may ask for in a minute"
    case .dialBacksPerPeerAndMinute: "times in a minute that a peer may ask to be dialled back"
    case .dialBacksPerPrefixAndMinute: "the same for all peers of one /24 or /64"
    case .dialBacksPerMinute: "the same for all peers together"
    case .dialBackCandidates: "addresses of one request that are dialled"
    case .dialBackPortsPerAddressAndHour: "different ports of one IP address that are dialled back in an hour"
    case .punchesPerPeerAndMinute: "hole punches that a peer may begin in a minute"
    case .punchAttempts: "tries of one hole punch"
    case .punchCandidates: "addresses that one try dials"
    }
  }
}

/// How a node helps others to reach each other.
public struct RelaySettings: Sendable, Equatable {
  /// Whether this node carries circuits for others. Closed unless told.
  public var isOpen = false
  private var changed: [RelayLimit: Int] = [:]

  public init(isOpen: Bool = false, limits: [RelayLimit: Int] = [:]) { (self.isOpen, changed) = (isOpen, limits) }

  public subscript(_ limit: RelayLimit) -> Int {
    get { changed[limit] ?? limit.standard }
    set { changed[limit] = newValue }
  }

  /// A limit in milliseconds, as nanoseconds.
  func nanoseconds(_ limit: RelayLimit) -> UInt64 { UInt64(max(0, self[limit])) * 1_000_000 }
}

/// What happened to requests and circuits, counted since the start.
public struct RelayCounters: Sendable, Equatable {
  public internal(set) var reservationsMade = 0, circuitsOpened = 0, circuitsEnded = 0, bytesCarried: UInt64 = 0
  /// Requests that came while the relay is closed, or that name a peer without a session or reservation.
  public internal(set) var notAllowed = 0
  /// Streams for a circuit that is not theirs, or a second one of the same end.
  public internal(set) var strayStreams = 0
  private var limits: [RelayLimit: Int] = [:]

  public subscript(_ limit: RelayLimit) -> Int { limits[limit] ?? 0 }
  mutating func reached(_ limit: RelayLimit) { limits[limit, default: 0] += 1 }
}
