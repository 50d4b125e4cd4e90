import CentramHost
import CentramPackaging
import Foundation
import Testing

@Suite struct PublisherKeyTests {
  /// The example of RFC 8410, section 10.3.
  static let secretPEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n"
  /// Section 10.1, with what stands for the same key in base64.
  static let publicPEM = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"
  static let publicText = "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="

  private func file(_ bytes: some Sequence<UInt8>, mode: Int = 0o600) throws -> String {
    let path = try Workshop.folder("keys") + "/key"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    return path
  }

  @Test func readsTheExampleOfTheRFC() throws {
    let key = try PublisherKey(path: file(Self.secretPEM.utf8))
    #expect(PublicKeyText.encode(key.publicKey) == Self.publicText)
    #expect(try PublicKeyText.read(file(Self.publicPEM.utf8, mode: 0o644)) == key.publicKey)
  }

  @Test func makesAKeyThatOpenSSLReadsInAFileOfItsOwnersAlone() throws {
    let path = try Workshop.folder("keys") + "/deep/acme.pem", key = try PublisherKey.make(at: path)
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    #expect(try PublisherKey(path: path).publicKey == key.publicKey)
    let (status, output) = try Workshop.run(["/usr/bin/openssl", "pkey", "-in", path, "-pubout"])
    try #require(status == 0, "\(output)")
    #expect(try PublicKeyText.read(file(output.utf8)) == key.publicKey)
    // And nothing that is there goes for a new key.
    let error = try #require(throws: HostError.self) { _ = try PublisherKey.make(at: path) }
    #expect(error.message.contains("is there already"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: (path as NSString).deletingLastPathComponent) == ["acme.pem"])
  }

  @Test func readsAKeyThatOpenSSLMadeAndTheSeedOfANode() throws {
    let path = try Workshop.folder("keys") + "/openssl.pem"
    try #require(try Workshop.run(["/usr/bin/openssl", "genpkey", "-algorithm", "ed25519", "-out", path]).status == 0)
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    let key = try PublisherKey(path: path), message: [UInt8] = [1, 2, 3]
    #expect(PluginSignature.isValid(key.sign(message), of: message, key: key.publicKey))
    let seed = [UInt8](repeating: 7, count: 32)
    #expect(try PublisherKey(path: file(seed)).publicKey == PublisherKey(seed: seed).publicKey)
  }

  @Test(
    arguments: [
      ("31 bytes", [UInt8](repeating: 7, count: 31), 0o600, "holds no Ed25519 key"), ("33 bytes", [UInt8](repeating: 7, count: 33), 0o600, "holds no Ed25519 key"),
      ("nothing", [], 0o600, "holds no Ed25519 key"), ("too much", [UInt8](repeating: 65, count: 16385), 0o600, "larger than the limit of 16384"),
      ("a key for all to read", Array(secretPEM.utf8), 0o644, "others may read this key (mode 644)"),
      ("a key for the group to read", Array(secretPEM.utf8), 0o640, "others may read this key (mode 640)"),
      ("a public key", Array(publicPEM.utf8), 0o600, "holds no Ed25519 key"),
      ("a passphrase", Array("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n".utf8), 0o600, "is encrypted"),
      ("another curve", Array(secretPEM.replacingOccurrences(of: "K2Vw", with: "K2Vx").utf8), 0o600, "holds no Ed25519 key"),
    ] as [(String, [UInt8], Int, String)])
  func refusesAFileWith(_ what: String, bytes: [UInt8], mode: Int, sentence: String) throws {
    let path = try file(bytes, mode: mode)
    let error = try #require(throws: HostError.self) { _ = try PublisherKey(path: path) }
    #expect(error.message.contains(sentence) && error.message.contains(path), "\(error.message)")
  }

  @Test func takesPublicKeysAsPeopleHandThemOn() throws {
    let bytes = try PublicKeyText.decode(Self.publicText), hex = bytes.map { String(format: "%02x", $0) }.joined()
    #expect(try PublicKeyText.decode(hex) == bytes && PublicKeyText.decode(hex.uppercased()) == bytes)
    for wrong in ["", "x", String(hex.dropLast()), hex + "0", "+1" + hex.dropFirst(2), String(Self.publicText.dropLast(4)), "é" + hex.dropFirst(2)] {
      let error = try #require(throws: HostError.self) { _ = try PublicKeyText.decode(wrong) }
      #expect(error.message.contains("is no Ed25519 public key"), "\(wrong)")
    }
    // Of order one: anything would be signed by it.
    let identity = PublicKeyText.encode([1] + [UInt8](repeating: 0, count: 31))
    let error = try #require(throws: HostError.self) { _ = try PublicKeyText.decode(identity) }
    #expect(error.message.contains("is no point"))
  }
}
