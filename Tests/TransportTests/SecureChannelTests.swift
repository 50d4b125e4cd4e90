import CentramPluginAPI
import CentramPluginTesting
import CentramTransportSupport
import Testing

@Suite struct SecureChannelTests {
  static func identity(_ number: UInt64) throws -> NodeIdentity { try NodeIdentity(seed: try TestIdentity(number).exportSeed()) }

  /// Carries bytes between two channels until none has anything to say. - Parameter change: changes what goes from the first to the second.
  static func settle(_ first: SecureChannel, _ second: SecureChannel, change: (inout [UInt8]) -> Void = { _ in }) throws {
    try first.handshake()
    while true {
      var there = first.takeOutput()
      change(&there)
      try there.withUnsafeBytes { _ = try second.handshake($0) }
      let back = second.takeOutput()
      try back.withUnsafeBytes { _ = try first.handshake($0) }
      if there.isEmpty && back.isEmpty { return }
    }
  }

  static func pair(expecting: PeerID? = nil) throws -> (client: SecureChannel, server: SecureChannel) {
    (try SecureChannel(isListener: false, identity: identity(1), expecting: expecting), try SecureChannel(isListener: true, identity: identity(2)))
  }

  static func read(_ channel: SecureChannel) throws -> [UInt8]? {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4_096, alignment: 1)
    defer { buffer.deallocate() }
    return try channel.read(into: buffer).map { [UInt8](buffer[..<$0]) }
  }

  @Test func bothEndsKnowEachOtherAndShareABinding() throws {
    let (client, server) = try Self.pair(expecting: TestIdentity(2).peer)
    try Self.settle(client, server)
    #expect(client.peer == TestIdentity(2).peer && server.peer == TestIdentity(1).peer)
    #expect(client.binding.count == 32 && client.binding == server.binding)
    let (other, _) = try {
      let pair = try Self.pair(); try Self.settle(pair.client, pair.server); return pair
    }()
    #expect(other.binding != client.binding)
    try Array("secret".utf8).withUnsafeBytes { try client.write($0) }
    let sealed = client.takeOutput()
    #expect(!sealed.isEmpty && !String(decoding: sealed, as: UTF8.self).contains("secret"))
    try sealed.withUnsafeBytes { try server.feed($0) }
    #expect(try Self.read(server) == Array("secret".utf8))
    #expect(try Self.read(server) == [])
  }

  @Test func anotherPeerThanTheExpectedIsRefused() throws {
    let (client, server) = try Self.pair(expecting: TestIdentity(3).peer)
    #expect { try Self.settle(client, server) } throws: { ($0 as? TransportSupportError)?.code == .wrongPeer }
  }

  @Test func aChangedRecordIsNoticed() throws {
    let (client, server) = try Self.pair()
    try Self.settle(client, server)
    try [1, 2, 3].withUnsafeBytes { try client.write($0) }
    var sealed = client.takeOutput()
    sealed[sealed.count - 1] ^= 1
    try sealed.withUnsafeBytes { try server.feed($0) }
    #expect { try Self.read(server) } throws: { ($0 as? TransportSupportError)?.code == .security }
  }

  @Test func aHandshakeThatIsChangedAnywhereDoesNotSucceed() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed)
    for _ in 0..<60 {
      let (client, server) = try Self.pair()
      var changed = false
      do {
        try Self.settle(client, server) { bytes in
          // Past a record's first three bytes, whose version field a receiver must ignore.
          guard !changed, bytes.count > 5 else { return }
          changed = true
          bytes[Int.random(in: 5..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
        // Nothing was thrown: then it never got to an end at both sides.
        #expect(client.peer == nil || server.peer == nil, "seed \(seed)")
      } catch { #expect(error is TransportSupportError, "seed \(seed)") }
    }
  }

  @Test func garbageInsteadOfAHandshakeIsRefused() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed)
    for length in [1, 5, 100, 5_000] {
      let server = try SecureChannel(isListener: true, identity: Self.identity(2))
      let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
      do {
        try bytes.withUnsafeBytes { _ = try server.handshake($0) }
        #expect(server.peer == nil, "seed \(seed)")
      } catch { #expect((error as? TransportSupportError)?.code == .security, "seed \(seed)") }
    }
  }

  @Test func aSeedOf31BytesIsRefused() { #expect { try NodeIdentity(seed: [UInt8](repeating: 1, count: 31)) } throws: { ($0 as? PluginError)?.code == .invalid } }
}

@Suite struct TransportAddressTests {
  @Test(arguments: [
    ("tcp://127.0.0.1:9741", "127.0.0.1", 9_741, ""), ("tcp://[::1]:9741", "::1", 9_741, ""), ("tcp://[fe80::1%eth0]:1", "fe80::1%eth0", 1, ""),
    ("tcp://host.example:0", "host.example", 0, ""), ("tcp://host:65535/a/b", "host", 65_535, "a/b"),
  ]) func readsAndWritesBack(text: String, host: String, port: Int, path: String) throws {
    let address = try TransportAddress(text, scheme: "tcp")
    #expect(address.host == host && address.port == port && address.path == path && address.description == text)
  }

  @Test(arguments: [
    "", "tcp", "tcp://", "tcp://host", "udp://host:1", "tcp://host:65536", "tcp://host:-1", "tcp://host:+1", "tcp://host:", "tcp://:1", "tcp://::1:1", "tcp://[::1", "tcp://[]:1",
    "tcp://[::1]x:1", "tcp://a b:1", "tcp://host:1 ", "tcp://h\u{e9}:1", "tcp://" + String(repeating: "a", count: 600) + ":1",
  ]) func refusesWithASentence(text: String) {
    #expect { try TransportAddress(text, scheme: "tcp") } throws: { ($0 as? TransportSupportError)?.code == .invalid }
  }

  @Test func fillsInThePortThatIsMissing() throws { #expect(try TransportAddress("tcp://host", scheme: "tcp", defaultPort: 9_741).port == 9_741) }
}

@Suite struct SettingsReaderTests {
  @Test(arguments: [("{}", 5), (#"{"a": 1}"#, 1), (#"{"a": 9}"#, 9)]) func readsNumbersInTheirRange(json: String, value: Int) throws {
    var reader = try SettingsReader(json: json)
    #expect(try reader.integer("a", default: 5, in: 1...9) == value)
    try reader.finish()
  }

  @Test(arguments: [#"{"a": 0}"#, #"{"a": 10}"#, #"{"a": 1.5}"#, #"{"a": true}"#, #"{"a": "1"}"#, #"{"b": 1}"#, "[]", "", #"{"a": 1e300}"#]) func refusesOthers(json: String) {
    #expect {
      var reader = try SettingsReader(json: json)
      _ = try reader.integer("a", default: 5, in: 1...9)
      try reader.finish()
    } throws: { ($0 as? PluginError)?.code == .invalid }
  }
}
