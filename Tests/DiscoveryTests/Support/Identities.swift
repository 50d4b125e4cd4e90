import CentramNode
import CentramWire

/// A node that signs, for tests.
struct Signer {
  let key: SigningKey
  var id: NodeKey { key.publicKey }

  init(_ number: Int) {
    var random = SplitMix64(state: UInt64(number) &+ 1_000_003)
    key = try! SigningKey(seed: (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })
  }

  func record(_ addresses: String..., number: UInt64 = 1, now: UInt64 = Signer.now, lifetime: UInt64 = 3_600_000) -> WireSigned {
    try! VerifiedRecord.make(by: key, addresses: addresses.map { try! PeerAddress($0) }, number: number, now: now, lifetime: lifetime)
  }

  func announce(_ record: WireSigned, hops: UInt32 = 0) -> WireAnnounce {
    var message = WireAnnounce()
    (message.record, message.hops) = (record, hops)
    return message
  }

  func hint(_ addresses: String..., source: HintSource = .exchange) -> PeerHint {
    PeerHint(key: id, addresses: addresses.map { try! PeerAddress($0) }, source: source)
  }

  /// Unix milliseconds at which these tests begin.
  static let now: UInt64 = 1_800_000_000_000
}

/// `#require` for values of mutating calls.
func required<Value>(_ value: Value?) throws -> Value {
  guard let value else { throw DiscoveryError(.record, "a value that must be there is missing") }
  return value
}
