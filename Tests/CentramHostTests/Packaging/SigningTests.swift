import CentramHost
import CentramPackaging
import CentramPluginAPI
import Foundation
import Testing

@Suite struct SigningTests {
  private func key() -> PublisherKey { PublisherKey(seed: (0..<32).map { _ in UInt8.random(in: 0...255) }) }

  private func plugin(_ change: (inout [String: Any]) -> Void = { _ in }) throws -> String {
    try Workshop.plugin(Workshop.library("merge"), id: "test.merge.center", kind: .mergeOperator, change)
  }

  @Test func signsWhatAHostThenTakesInProcess() throws {
    let key = key(), path = try plugin { $0["publisher"] = "acme" }
    let manifest = try PluginSigner.sign(path, key: key, publisher: "acme")
    #expect(manifest.id == "test.merge.center")
    let acme = TrustPolicy.Publisher(name: "acme", key: key.publicKey, ids: ["test.*"])
    for untrusted in TrustPolicy.Untrusted.allCases {
      let host = PluginHost(configuration: HostConfiguration(trust: TrustPolicy(publishers: [acme], untrusted: untrusted)))
      let record = host.check(path, upTo: .interface)
      #expect(record.state == .loaded && record.publisher == "acme" && record.placement == .inProcess, "\(record.reason ?? "")")
    }
    // Signing again changes nothing: Ed25519 draws no random numbers.
    let before = try Data(contentsOf: URL(fileURLWithPath: path + "/plugin.json.sig"))
    try PluginSigner.sign(path, key: key)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path + "/plugin.json.sig")) == before && before.count == 64)
    #expect(try FileManager.default.contentsOfDirectory(atPath: path).count == 3)
  }

  /// What the operator's word on strangers does with an unsigned plugin.
  @Test func theOperatorSaysWhatBecomesOfStrangers() throws {
    let path = try plugin()
    func reason(_ untrusted: TrustPolicy.Untrusted) -> String? {
      PluginHost(configuration: HostConfiguration(trust: TrustPolicy(untrusted: untrusted))).check(path, upTo: .interface).reason
    }
    #expect(reason(.allow) == nil)
    #expect(reason(.refuse)?.contains("this host takes signed plugins only (trusted: nobody)") == true)
  }

  @Test func refusesToSignForAnotherPublisher() throws {
    let path = try plugin { $0["publisher"] = "umbrella" }
    let error = try #require(throws: HostError.self) { try PluginSigner.sign(path, key: key(), publisher: "acme") }
    #expect(error.message.contains("names the publisher umbrella, not acme"))
    let unnamed = try plugin()
    let none = try #require(throws: HostError.self) { try PluginSigner.sign(unnamed, key: key(), publisher: "acme") }
    #expect(none.message.contains("names no publisher, not acme"))
    #expect(!FileManager.default.fileExists(atPath: path + "/plugin.json.sig") && !FileManager.default.fileExists(atPath: unnamed + "/plugin.json.sig"))
  }

  @Test func refusesToSignALibraryThatIsNotTheOneNamed() throws {
    let path = try plugin(), library = try PluginManifest.decode(Array(Data(contentsOf: URL(fileURLWithPath: path + "/plugin.json")))).library
    let handle = try #require(FileHandle(forWritingAtPath: "\(path)/\(library)"))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data([0]))
    let error = try #require(throws: HostError.self) { try PluginSigner.sign(path, key: key()) }
    #expect(error.code == .init(.hash) && error.message.contains("is not the file that plugin.json names"))
    try FileManager.default.removeItem(atPath: "\(path)/\(library)")
    let missing = try #require(throws: HostError.self) { try PluginSigner.sign(path, key: key()) }
    #expect(missing.message.contains("No such file"))
    #expect(!FileManager.default.fileExists(atPath: path + "/plugin.json.sig"))
  }

  @Test func packsAndSignsAndArchivesTheSameBytesEachTime() throws {
    let folder = try Workshop.folder(), packager = PluginPackager(describeCommand: Built.describe, publisher: "acme", key: key())
    let path = try packager.pack(Workshop.library("merge"), into: folder)
    let first = try Data(contentsOf: URL(fileURLWithPath: PluginArchive.write(path, into: folder)))
    let archive = try PluginArchive.write(path, into: folder)
    #expect(archive == folder + "/test.merge.center-1.0.0.tar")
    #expect(try Data(contentsOf: URL(fileURLWithPath: archive)) == first)
    // Any tar reads it.
    let (status, output) = try Workshop.run(["/bin/tar", "-tf", archive])
    #expect(status == 0 && output.split(separator: "\n").prefix(2) == ["plugin.json", "plugin.json.sig"], "\(output)")
  }
}

@Suite struct RevocationTests {
  private let keys = PluginSignature.makeKeyPair()
  private let revocation = TrustPolicy.Revocation(date: "2026-11-30", reason: "its owner lost it")
  private var trust: TrustPolicy { TrustPolicy(publishers: [.init(name: "acme", key: keys.publicKey, ids: ["test.*"])], untrusted: .refuse) }

  private func plugin() throws -> String {
    let folder = try Workshop.folder()
    try Workshop.plugin(Workshop.library("merge"), id: "test.merge.center", kind: .mergeOperator, in: folder, signedBy: keys.secretKey)
    return folder
  }

  @Test func whatRunsGivesNoMoreInstancesOnceItsKeyIsRevokedAndGoesOnWithThoseItHas() throws {
    let host = try Workshop.host(plugin(), trust: trust)
    let merge = try host.mergeOperator("center")
    var revoked = trust
    revoked.revokedKeys[keys.publicKey] = revocation
    host.discover(trust: revoked)
    let record = try #require(host.snapshot().records.first { $0.version != nil })
    #expect(record.state == .stopped && record.reason == "the key that signed it was revoked on 2026-11-30: its owner lost it")
    let error = try #require(throws: HostError.self) { _ = try host.mergeOperator("center") }
    #expect(error.message.contains("its owner lost it"), "\(error)")
    #expect(try merge.merged(LendingDriver([[1, 3]]), weights: [1]).count == 2)
    // It stays so without a word, and comes back when it is trusted again.
    host.discover()
    #expect(host.snapshot().records.first { $0.version != nil }?.state == .stopped)
    host.discover(trust: trust)
    _ = try host.mergeOperator("center")
  }

  @Test func whatRunsIsStoppedByTheHashOfItsLibraryOrManifestAndByItsPublishersRights() throws {
    let folder = try plugin(), path = folder + "/test.merge.center-1.0.0"
    let manifest = try Data(contentsOf: URL(fileURLWithPath: path + "/plugin.json"))
    let library = try PluginManifest.decode(Array(manifest)).sha256, manifestHash = try SHA256.hex(ofFile: path + "/plugin.json")
    let changes: [(String, (inout TrustPolicy) -> Void)] = [
      ("with SHA-256 \(library) was revoked", { $0.revokedHashes[library] = revocation }),
      ("plugin.json with SHA-256 ", { $0.revokedHashes[manifestHash] = revocation }),
      ("acme may not publish the id", { $0.publishers[0].ids = ["other.*"] }), ("not the signature of a trusted publisher (nobody)", { $0.publishers = [] }),
    ]
    for (sentence, change) in changes {
      let host = Workshop.host(folder, trust: trust)
      _ = try host.mergeOperator("center")
      var changed = trust
      change(&changed)
      host.discover(trust: changed)
      let record = try #require(host.snapshot().records.first { $0.version != nil })
      #expect(record.state == .stopped && record.reason?.contains(sentence) == true, "\(record.reason ?? "")")
      // A host that starts now does not load it at all.
      #expect(Workshop.host(folder, trust: changed).snapshot().records.first?.reason?.contains(sentence) == true, "\(sentence)")
    }
  }

  @Test func aBareLibraryIsRefusedByItsHashToo() throws {
    var trust = TrustPolicy()
    trust.revokedHashes[try SHA256.hex(ofFile: Built.linear)] = revocation
    let host = PluginHost(configuration: HostConfiguration(executableFolder: Built.folder, trust: trust))
    let record = host.check(Built.linear)
    #expect(record.checks.last?.check == .hash && record.reason?.contains("was revoked on 2026-11-30: its owner lost it") == true, "\(record.reason ?? "")")
  }

  /// The library changes places with another one all the time; what is loaded is always what was hashed.
  @Test func aLibraryThatIsSwappedBetweenCheckAndUseIsNeverLoaded() throws {
    let folder = try plugin(), path = folder + "/test.merge.center-1.0.0"
    let name = try PluginManifest.decode(Array(Data(contentsOf: URL(fileURLWithPath: path + "/plugin.json")))).library
    let marker = folder + "/marker", source = folder + "/evil.c", evil = folder + "/evil", good = folder + "/good"
    try #"""
    #include <fcntl.h>
    __attribute__((constructor)) static void begin(void) { creat("\#(marker)", 0600); }
    """#.write(toFile: source, atomically: true, encoding: .utf8)
    try #require(try Workshop.run(["/usr/bin/cc", "-shared", "-fPIC", source, "-o", evil]).status == 0)
    try FileManager.default.copyItem(atPath: "\(path)/\(name)", toPath: good)
    let stop = OnOff()
    let swapping = Thread {
      while !stop.isOn {
        for other in [evil, good] {
          unlink(path + "/.next")
          link(other, path + "/.next")
          rename(path + "/.next", "\(path)/\(name)")
        }
      }
      stop.ended.signal()
    }
    swapping.start()
    let host = PluginHost(configuration: HostConfiguration(trust: trust))
    var loaded = 0, refused = 0
    for _ in 0..<60 {
      let record = host.check(path, upTo: .descriptor)
      if record.reason == nil { loaded += 1 } else { refused += 1 }
      #expect(record.reason == nil || record.checks.last?.check == .hash, "\(record.reason ?? "")")
    }
    stop.turnOn()
    stop.ended.wait()
    #expect(!FileManager.default.fileExists(atPath: marker), "\(loaded) loaded, \(refused) refused")
    #expect(loaded + refused == 60)
  }
}

/// A switch that another thread looks at.
private final class OnOff: @unchecked Sendable {
  private let lock = NSLock()
  private var value = false
  let ended = DispatchSemaphore(value: 0)
  var isOn: Bool { lock.withLock { value } }
  func turnOn() { lock.withLock { value = true } }
}
