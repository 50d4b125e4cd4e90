public import CentramWire
internal import Foundation

/// Peers telling peers of peers: bounded answers to bounded questions, none too often.
public struct PeerExchange: Sendable {
  /// Milliseconds between two answers to one peer.
  public static let interval: UInt64 = 20_000
  /// Records in one answer.
  public static let maximumRecords = 64
  static let maximumPeers = 2_048

  private var answered: [NodeKey: UInt64] = [:]
  public private(set) var refused = 0

  public init() {}

  /// A question, with a filter over the keys that are known, so that few are told again.
  public static func request(_ maximum: Int, knowing keys: some Collection<NodeKey>, transports: [String], network: [UInt8] = [], random: inout RandomSource)
    -> WirePeerExchangeRequest
  {
    var request = WirePeerExchangeRequest()
    request.maximum = UInt32(min(max(1, maximum), maximumRecords))
    request.transports = Array(transports.prefix(16))
    request.network = Data(network)
    if !keys.isEmpty {
      let filter = KeyFilter(keys, salt: (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) })
      (request.known, request.salt, request.hashes) = (Data(filter.bits), Data(filter.salt), UInt32(filter.hashes))
    }
    return request
  }

  /// The answer to a peer's question.
  /// - Throws: `.limit` where it asks too often.
  public mutating func answer(
    _ request: WirePeerExchangeRequest, to asker: NodeKey, from book: AddressBook, ownRecord: WireSigned?, now: UInt64, random: inout RandomSource
  ) throws(DiscoveryError) -> WirePeerExchangeReply {
    if let last = answered[asker], now < last + Self.interval {
      refused += 1
      throw DiscoveryError(.limit, "peers are told of once in \(Self.interval / 1000) seconds; ask again later")
    }
    if answered.count >= Self.maximumPeers { answered = answered.filter { $0.value + Self.interval > now } }
    if answered.count < Self.maximumPeers { answered[asker] = now }
    let filter = KeyFilter(bits: [UInt8](request.known), salt: [UInt8](request.salt), hashes: Int(request.hashes))
    let transports = Set(request.transports), network = [UInt8](request.network)
    let maximum = min(Int(request.maximum), Self.maximumRecords)
    let (records, more) = book.records(maximum, now: now, random: &random) { record in
      record.key != asker && !(filter?.contains(record.key) ?? false) && (network.isEmpty || record.network == network)
        && (transports.isEmpty || record.addresses.contains { transports.contains($0.scheme) } || !record.relays.isEmpty)
    }
    var reply = WirePeerExchangeReply()
    reply.records = records.map(\.signed)
    reply.truncated = more
    if let ownRecord, filter?.contains(book.own) != true, reply.records.count < maximum { reply.records.append(ownRecord) }
    return reply
  }

  /// Takes an answer into the book.
  /// - Returns: how many were new, and how many were no good: what the peer is judged by.
  public static func take(_ reply: WirePeerExchangeReply, from peer: NodeKey, into book: inout AddressBook, verifier: inout RecordVerifier, now: UInt64) -> (new: Int, bad: Int) {
    var new = 0, bad = 0
    for signed in reply.records.prefix(maximumRecords) {
      guard let record = try? verifier.verify(signed, now: now) else {
        bad += 1
        continue
      }
      let hint = PeerHint(key: record.key, addresses: record.addresses, source: record.key == peer ? .session : .exchange, record: record)
      if book.add(hint, introducer: peer, now: now) { new += 1 }
    }
    return (new, bad)
  }
}

/// A Bloom filter over keys, as PeerExchangeRequest describes it.
struct KeyFilter: Sendable {
  static let maximumBytes = 2_048, maximumHashes = 8

  private(set) var bits: [UInt8]
  let salt: [UInt8], hashes: Int

  /// Ten bits a key, at most 2,048 bytes: one key in about a hundred is taken for a known one.
  init(_ keys: some Collection<NodeKey>, salt: [UInt8]) {
    bits = [UInt8](repeating: 0, count: min(max(8, (keys.count * 10 + 7) / 8), Self.maximumBytes))
    (self.salt, hashes) = (salt, 7)
    for key in keys { for index in indices(key) { bits[index / 8] |= 1 << UInt8(index % 8) } }
  }

  /// Nil where the peer sent none.
  init?(bits: [UInt8], salt: [UInt8], hashes: Int) {
    guard !bits.isEmpty, bits.count <= Self.maximumBytes, (1...Self.maximumHashes).contains(hashes) else { return nil }
    (self.bits, self.salt, self.hashes) = (bits, salt, hashes)
  }

  func contains(_ key: NodeKey) -> Bool { indices(key).allSatisfy { bits[$0 / 8] & 1 << UInt8($0 % 8) != 0 } }

  private func indices(_ key: NodeKey) -> [Int] {
    let hash = SHA256.hash(salt + key.bytes)
    return (0..<hashes).map { word in
      let value = hash[word * 4..<word * 4 + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      return Int(value) % (bits.count * 8)
    }
  }
}
