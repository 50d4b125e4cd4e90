public import CentramWire

/// Takes datagrams from the beacon's port and gives hints. Everything cheap is checked before a signature is.
public struct BeaconReceiver: Sendable {
  public static let maximumSize = 1_400
  /// Datagrams a second from one address, and from all together.
  public static let perSource = 20, inAll = 200
  /// Senders whose last sequence is remembered.
  static let maximumSenders = 1_024

  /// Why a datagram gave nothing.
  public enum Drop: String, CaseIterable, Sendable { case size, flood, own, notAnnounce, badFrame, time, replay, badRecord }

  private var window: UInt64 = 0
  private var counts: [IPAddress: Int] = [:]
  private var total = 0
  private var sequences: [NodeKey: (sequence: UInt64, seen: UInt64)] = [:]
  public private(set) var drops: [Drop: Int] = [:]

  public init() {}

  /// - Parameters:
  ///   - own: this node's key, whose beacons come back to it.
  ///   - now: Unix milliseconds.
  ///   - monotonic: milliseconds of a clock that never steps.
  public mutating func take(_ datagram: Datagram, own: NodeKey, now: UInt64, monotonic: UInt64) -> PeerHint? {
    do throws(Refusal) { return try read(datagram, own, now, monotonic) } catch {
      drops[error.drop, default: 0] += 1
      return nil
    }
  }

  private struct Refusal: Error { var drop: Drop }

  private mutating func read(_ datagram: Datagram, _ own: NodeKey, _ now: UInt64, _ monotonic: UInt64) throws(Refusal) -> PeerHint {
    let bytes = datagram.bytes
    guard (FrameHeader.byteCount...Self.maximumSize).contains(bytes.count) else { throw Refusal(drop: .size) }
    guard admit(datagram.source.address, monotonic) else { throw Refusal(drop: .flood) }
    guard UInt16(bytes[6]) << 8 | UInt16(bytes[7]) == MessageType.announce.rawValue else { throw Refusal(drop: .notAnnounce) }
    guard !bytes[8..<40].elementsEqual(own.bytes) else { throw Refusal(drop: .own) }
    guard let frame = try? Frame(bytes), let announce = try? frame.message(WireAnnounce.self), frame.header.recipient == .anyone, frame.header.hasNoSession else {
      throw Refusal(drop: .badFrame)
    }
    let header = frame.header
    guard (header.unixMilliseconds > now ? header.unixMilliseconds - now : now - header.unixMilliseconds) <= VerifiedRecord.skew else { throw Refusal(drop: .time) }
    if let last = sequences[header.sender], header.sequence <= last.sequence { throw Refusal(drop: .replay) }
    guard let record = try? VerifiedRecord(announce.record, now: now), record.key == header.sender else { throw Refusal(drop: .badRecord) }
    remember(header.sender, header.sequence, monotonic)
    return PeerHint(key: record.key, addresses: Self.addresses(record, datagram.source.address), source: .beacon, record: record)
  }

  private mutating func admit(_ source: IPAddress, _ now: UInt64) -> Bool {
    if now >= window + 1000 { (window, counts, total) = (now, [:], 0) }
    total += 1
    guard total <= Self.inAll else { return false }
    counts[source, default: 0] += 1
    return counts[source]! <= Self.perSource
  }

  private mutating func remember(_ sender: NodeKey, _ sequence: UInt64, _ now: UInt64) {
    if sequences[sender] == nil, sequences.count >= Self.maximumSenders, let oldest = sequences.min(by: { $0.value.seen < $1.value.seen })?.key { sequences[oldest] = nil }
    sequences[sender] = (sequence, now)
  }

  /// The sender's address first where the record does not name it: a node does not always know its own.
  private static func addresses(_ record: VerifiedRecord, _ source: IPAddress) -> [PeerAddress] {
    guard !record.addresses.contains(where: { $0.ip == source }) else {
      return record.addresses.filter { $0.ip == source } + record.addresses.filter { $0.ip != source }
    }
    var listeners: [PeerAddress] = []
    for address in record.addresses where address.port > 0 && address.ip != nil {
      let here = PeerAddress(scheme: address.scheme, address: source, port: address.port)
      if !listeners.contains(here) && listeners.count < 4 { listeners.append(here) }
    }
    return listeners + record.addresses
  }
}
