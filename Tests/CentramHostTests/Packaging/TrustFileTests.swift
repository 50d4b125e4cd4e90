import CentramHost
import CentramPackaging
import CentramPluginAPI
import Foundation
import Fuzzing
import Testing

@Suite struct TrustFileTests {
  private static let key = PublisherKeyTests.publicText
  private static let hash = String(repeating: "ab", count: 32)
  private static let whole = """
    {"schema": 1,
     "publishers": [{"name": "acme", "key": "\(key)", "ids": ["com.acme.*", "merge.one"], "kinds": ["trainer"], "isolate": true}],
     "revokedKeys": [{"key": "\(key)", "date": "2026-11-30", "reason": "lost"}],
     "revokedHashes": [{"sha256": "\(hash)", "date": "2026-11-30", "reason": "leaks memory"}]}
    """

  private static func publisher(_ name: String = "acme", ids: [String] = ["com.acme.*"], kinds: Set<PluginKind> = []) -> TrustPolicy.Publisher {
    TrustPolicy.Publisher(name: name, key: PluginSignature.makeKeyPair().publicKey, ids: ids, kinds: kinds)
  }

  private static let revocation = TrustPolicy.Revocation(date: "2026-11-30", reason: "lost")

  @Test func readsWhatItWrites() throws {
    let file = try TrustFile.decode(Array(Self.whole.utf8))
    #expect(file.publishers.first?.kinds == [.trainer] && file.publishers.first?.mustIsolate == true && file.revokedHashes[Self.hash]?.reason == "leaks memory")
    #expect(try TrustFile.decode(file.encoded()) == file)
    #expect(try file.encoded() == TrustFile.decode(file.encoded()).encoded())
    #expect(try TrustFile.decode(Array(#"{"schema": 1}"#.utf8)) == TrustFile())
  }

  @Test(arguments: [
    ("\"schema\": 1", "\"schema\": 2", "schema is 2"), ("\"schema\": 1,", "", "schema is missing"), ("\"schema\": 1", "\"schema\": 1, \"schema\": 1", "stands twice"),
    ("\"publishers\"", "\"publisher\"", "unknown key \"publisher\"; nearest: publishers"), ("\"isolate\": true", "\"isolate\": 1", "isolate"),
    ("\"isolate\"", "\"isolated\"", "unknown key \"isolated\" in publishers[0]; nearest: isolate"), ("\"name\": \"acme\"", "\"name\": \"\"", "name has 0 bytes"),
    ("\"name\": \"acme\"", "\"name\": \"a\\u0007b\"", "control character"), ("[\"com.acme.*\", \"merge.one\"]", "[]", "ids of acme has 0 entries"),
    ("com.acme.*", "com.acme*", "\"com.acme*\" must be an id"), ("com.acme.*", ".*", "\".*\" must be an id"), ("com.acme.*", "com.*.acme", "must be an id"),
    ("com.acme.*", "", "must be an id"), ("\"trainer\"", "\"train er\"", "is no kind's name"), ("\"trainer\"", "\"trainer\", \"trainer\"", "a kind twice"),
    ("2026-11-30", "30.11.2026", "must be like 2026-11-30"), ("\"reason\": \"lost\"", "\"reason\": \"\"", "reason has 0 bytes"),
    ("\"reason\": \"lost\"", "\"why\": \"lost\"", "unknown key \"why\" in revokedKeys[0]"), ("\"sha256\": \"ab", "\"sha256\": \"AB", "64 lowercase"),
    ("\"key\": \"Gb9E", "\"key\": \"Gb9", "is no Ed25519 public key"),
    ("\"revokedHashes\": [{\"sha256\"", "\"revokedHashes\": [{\"key\"", "unknown key \"key\" in revokedHashes[0]"),
    ("{\"sha256\"", "5, {\"sha256\"", "revokedHashes"),
  ])
  func refusesWhatIsWrong(part: String, replacement: String, sentence: String) throws {
    let range = try #require(Self.whole.range(of: part))
    let text = Self.whole.replacingCharacters(in: range, with: replacement)
    let error = try #require(throws: HostError.self) { _ = try TrustFile.decode(Array(text.utf8), name: "t.json") }
    #expect(error.code == .trustFile && error.message.contains(sentence) && error.message.hasPrefix("t.json: "), "\(error)")
  }

  @Test func aKeyOrHashStandsOnce() throws {
    for (part, sentence) in [("publishers", "publishers has a key twice"), ("revokedKeys", "revokedKeys has a key twice"), ("revokedHashes", "twice")] {
      var root = try #require(JSONSerialization.jsonObject(with: Data(Self.whole.utf8)) as? [String: Any])
      let list = try #require(root[part] as? [Any])
      root[part] = list + list
      let bytes = Array(try JSONSerialization.data(withJSONObject: root))
      let error = try #require(throws: HostError.self) { _ = try TrustFile.decode(bytes) }
      #expect(error.message.contains(sentence), "\(error.message)")
    }
  }

  /// Each limit is taken, and one more is not.
  @Test func holdsItsLimits() throws {
    func file(_ change: (inout TrustFile) -> Void) -> TrustFile {
      var file = TrustFile()
      change(&file)
      return file
    }
    func entries(_ count: Int) -> TrustFile { file { file in for index in 0..<count { file.revokedHashes[String(format: "%064x", index)] = Self.revocation } } }
    let cases: [(taken: TrustFile, refused: TrustFile)] = [
      (entries(TrustFile.entryLimit), entries(TrustFile.entryLimit + 1)),
      (file { $0.publishers = [Self.publisher(String(repeating: "n", count: 128))] }, file { $0.publishers = [Self.publisher(String(repeating: "n", count: 129))] }),
      (
        file { $0.publishers = [Self.publisher(ids: (0..<TrustFile.rightsLimit).map { "a.i\($0)" })] },
        file { $0.publishers = [Self.publisher(ids: (0...TrustFile.rightsLimit).map { "a.i\($0)" })] }
      ),
      (
        file { $0.publishers = [Self.publisher(ids: [String(repeating: "a", count: 126) + ".*"])] },
        file { $0.publishers = [Self.publisher(ids: [String(repeating: "a", count: 127) + ".*"])] }
      ),
      (
        file { $0.revokedHashes[Self.hash] = .init(date: "2026-11-30", reason: String(repeating: "r", count: 512)) },
        file { $0.revokedHashes[Self.hash] = .init(date: "2026-11-30", reason: String(repeating: "r", count: 513)) }
      ),
    ]
    for (index, (taken, refused)) in cases.enumerated() {
      #expect(try TrustFile.decode(taken.encoded()) == taken, "\(index)")
      let error = try #require(throws: HostError.self, "\(index)") { _ = try refused.encoded() }
      #expect(error.code == .trustFile, "\(index): \(error)")
    }
    let padded = Array(Self.whole.utf8) + [UInt8](repeating: 32, count: TrustFile.sizeLimit - Self.whole.utf8.count)
    _ = try TrustFile.decode(padded)
    let error = try #require(throws: HostError.self) { _ = try TrustFile.decode(padded + [32]) }
    #expect(error.message.contains("1048577 bytes, the limit is 1048576"))
  }

  @Test func damagedTrustFilesAreReadOrRefusedWithASentence() throws {
    let fuzz = Fuzz("trust file", rounds: 5_000), original = Array(Self.whole.utf8)
    var random = fuzz.random, read = 0
    for round in 0..<fuzz.rounds {
      var bytes = original
      for _ in 0...Int.random(in: 0..<3, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] = UInt8.random(in: 32..<127, using: &random)
        case 2: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1..<20, using: &random)))
        default: bytes.insert(contentsOf: Array(bytes[place..<min(bytes.count, place + 16)]), at: place)
        }
        if bytes.isEmpty { bytes = [0] }
      }
      do throws(HostError) {
        let file = try TrustFile.decode(bytes)
        _ = try file.encoded()
        read += 1
      } catch {
        #expect(error.code == .trustFile && error.message.hasPrefix("trusted-publishers.json: "), "seed \(fuzz.seed), round \(round): \(error)")
      }
    }
    #expect(read > 0 && read < fuzz.rounds, "\(read) read")
  }

  @Test func aRevokedKeyIsNotTrustedAgainAndAKeyHasOneName() throws {
    var file = TrustFile()
    let acme = Self.publisher()
    try file.trust(acme)
    let other = TrustPolicy.Publisher(name: "umbrella", key: acme.key, ids: ["*"])
    let named = try #require(throws: HostError.self) { try file.trust(other) }
    #expect(named.message.contains("this key is trusted as acme"))
    var wider = acme
    wider.ids = ["*"]
    try file.trust(wider)
    #expect(file.publishers == [wider])
    let revoked = try file.revoke(publisher: "acme", Self.revocation)
    #expect(revoked == [acme.key])
    let again = try #require(throws: HostError.self) { try file.trust(acme) }
    #expect(again.message.contains("was revoked on 2026-11-30 (lost)"))
    let nearest = try #require(throws: HostError.self) { try file.untrust("acne") }
    #expect(nearest.message.contains("nearest: acme"))
    let removed = try file.untrust("acme")
    #expect(removed == 1 && file.publishers.isEmpty && file.revokedKeys.count == 1)
    let short = try #require(throws: HostError.self) { try file.revoke(hash: "abc", Self.revocation) }
    #expect(short.message.contains("is no SHA-256"))
  }

  @Test func whoIsTrustedElsewhereCanBeRevokedByName() throws {
    var file = TrustFile()
    let elsewhere = Self.publisher("centram-build")
    try file.revoke(publisher: "centram-build", others: [elsewhere], Self.revocation)
    var policy = TrustPolicy(publishers: [elsewhere])
    policy.add(file)
    #expect(policy.revokedKeys[elsewhere.key] == Self.revocation)
  }

  @Test func theFirstEntryOfAKeyDecidesAndAnyRevocationCounts() throws {
    let wide = Self.publisher(ids: ["test.*"]), narrow = TrustPolicy.Publisher(name: "acme", key: wide.key, ids: ["test.one"])
    var first = TrustFile(), second = TrustFile()
    try first.trust(narrow)
    try second.trust(wide)
    second.revoke(key: wide.key, Self.revocation)
    second.revoke(key: wide.key, .init(date: "2027-01-01", reason: "again"))
    var policy = TrustPolicy()
    policy.add(first)
    #expect(policy.revokedKeys.isEmpty)
    policy.add(second)
    #expect(policy.publishers == [narrow, wide] && policy.revokedKeys == [wide.key: Self.revocation])
  }

  @Test func changesOfManyAtOnceAreAllThere() async throws {
    let store = TrustStore(path: try Workshop.folder("trust") + "/home/trusted-publishers.json")
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<16 {
        group.addTask {
          do { try store.update { (file) throws(HostError) in try file.trust(Self.publisher("p\(index)")) } } catch { Issue.record("\(error)") }
        }
      }
    }
    #expect(try store.read().publishers.count == 16)
    #expect(try FileManager.default.contentsOfDirectory(atPath: (store.path as NSString).deletingLastPathComponent).count == 2, "the file and its lock")
    let before = try store.read()
    _ = try #require(throws: HostError.self) { try store.update { (file) throws(HostError) in try file.untrust("nobody") } }
    #expect(try store.read() == before)
  }

  @Test func aFileThatAnybodyMayWriteOrThatIsDamagedCountsAsAnErrorAndNotAsEmpty() throws {
    let store = TrustStore(path: try Workshop.folder("trust") + "/t.json")
    #expect(try store.read() == TrustFile())
    try "{".write(toFile: store.path, atomically: false, encoding: .utf8)
    let damaged = try #require(throws: HostError.self) { _ = try store.read() }
    #expect(damaged.code == .trustFile && damaged.message.hasPrefix(store.path))
    _ = try #require(throws: HostError.self) { try store.update { (file) throws(HostError) in try file.trust(Self.publisher()) } }
    #expect(try String(contentsOfFile: store.path, encoding: .utf8) == "{")
    try Self.whole.write(toFile: store.path, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: store.path)
    let open = try #require(throws: HostError.self) { _ = try store.read() }
    #expect(open.message.contains("everybody may write it"))
  }
}
