public import CentramWire

/// A peer to dial: where it may be, and the key that must answer there where it is known.
///
///     quic://192.0.2.7:9741
///     5f0c…64 digits…@tcp://[2001:db8::1]:9741
public struct PeerReference: Sendable, Hashable {
  /// Raced, in this order. Without any, there are relays.
  public var addresses: [String]
  public var key: NodeKey?
  /// Why these addresses and not others, for `peers`.
  public var reason: String
  /// Ways to the peer where no address answers. They need the key.
  public var relays: [Ticket.Relay]

  public init(address: String, key: NodeKey? = nil, reason: String = "configured") { self.init(addresses: [address], key: key, relays: [], reason: reason) }

  public init(addresses: [String], key: NodeKey?, relays: [Ticket.Relay], reason: String) {
    (self.addresses, self.key, self.relays, self.reason) = (addresses, key, relays, reason)
  }

  /// - Throws: `.configuration`.
  public init(_ text: String) throws(SessionError) {
    var rest = Substring(text)
    if let at = text.firstIndex(of: "@") {
      guard let key = NodeKey(hexadecimal: text[..<at]) else {
        throw SessionError(.configuration, "\(text): what stands before @ must be a peer's id, 64 hexadecimal digits")
      }
      self.key = key
      rest = text[text.index(after: at)...]
    }
    guard let colon = rest.firstRange(of: "://"), colon.lowerBound > rest.startIndex, colon.upperBound < rest.endIndex else {
      throw SessionError(.configuration, "\(text): not an address such as quic://192.0.2.7:9741 or tcp://[2001:db8::1]:9741")
    }
    (addresses, reason, relays) = ([String(rest)], "configured", [])
  }

  /// What a user gives: an address, or a ticket, which may hold several and a relay.
  /// - Throws: `.configuration`.
  public static func parse(_ text: String) throws(SessionError) -> PeerReference {
    guard text.lowercased().hasPrefix(Ticket.prefix) else { return try PeerReference(text) }
    let ticket: Ticket
    do throws(DiscoveryError) { ticket = try Ticket(text: text) } catch { throw SessionError(.configuration, error.message) }
    return PeerReference(addresses: ticket.addresses.map(\.description), key: ticket.id, relays: ticket.relay.map { [$0] } ?? [], reason: "ticket")
  }

  /// The same peer, with relays that the node has anyway: the peer may listen at one of them. Only where the peer's key is known.
  public func reachable(through more: [Ticket.Relay]) -> PeerReference {
    guard let key else { return self }
    var result = self
    result.relays += more.filter { relay in relay.id != key && !relays.contains { $0.id == relay.id } }
    return result
  }

  /// For lines of a log: the first address, or the first relay's.
  public var address: String {
    addresses.first ?? relays.first.map { RelayAddress(relay: $0.id, target: key).description } ?? ""
  }

  /// Whether there is more than one way, of which the fastest is to be taken.
  var isRaced: Bool { key != nil && (addresses.count > 1 || !relays.isEmpty) }

  /// `quic` in `quic://host:port`.
  var scheme: String { Self.scheme(of: address) }

  static func scheme(of address: String) -> String { address.firstRange(of: "://").map { String(address[..<$0.lowerBound]) } ?? "" }
}

extension NodeKey {
  /// 64 digits.
  public init?(hexadecimal text: some StringProtocol) {
    let digits = Array(text.utf8)
    guard digits.count == 64 else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: 64, by: 2) {
      guard let high = Self.value(digits[index]), let low = Self.value(digits[index + 1]) else { return nil }
      bytes.append(high << 4 | low)
    }
    self.init(bytes)
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 48...57: digit - 48
    case 97...102: digit - 87
    case 65...70: digit - 55
    default: nil
    }
  }
}

/// A peer as `centram-host peers` shows it.
public struct PeerStatus: Sendable, Codable, Equatable {
  public enum State: String, Sendable, Codable { case dialling, connected, suspended }

  /// 64 hexadecimal digits; nil while nobody answered at the address.
  public var id: String?
  public var addresses: [String]
  /// `quic`, `tcp` …
  public var transport: String
  public var state: State
  public var isDialler: Bool
  /// `direct` or `relay`.
  public var path: String
  /// Why that path; while there is no connection, what went wrong last.
  public var reason: String
  public var roundTripMilliseconds: Double?
  public var bytesSent: UInt64, bytesReceived: UInt64
  /// Unix milliseconds since which it is in this state.
  public var since: Int64
  /// Program and version of the peer.
  public var agent: String
  /// Reliable messages that the peer has not acknowledged.
  public var unacknowledged: Int
  /// SHA-256 of the peer's gate policy in hexadecimal digits; nil where it has told none.
  public var gatePolicy: String?
  /// Gate layers that the peer says it has switched off. Not empty: its gate is incomplete. The names are the peer's, whatever it sent.
  public var disabledGateLayers: [String] = []
}
