import CentramDownload
import CentramHost
import CentramPackaging
import CentramPluginAPI
import Foundation
import TestServer
import Testing

@Suite struct InstallTests {
  private static let allow = TrustPolicy(untrusted: .allow)

  private func installer(_ folder: String, _ policy: TrustPolicy = Self.allow) -> PluginInstaller {
    PluginInstaller(folder: folder, host: HostConfiguration(trust: policy), fetcher: CurlFetcher(version: "tests"))
  }

  /// A packed plugin; flags make another library of the same id.
  private func plugin(_ flags: [String] = [], version: String = "1.0.0", signedBy key: [UInt8]? = nil) throws -> String {
    try Workshop.plugin(Workshop.library("merge", flags), id: "test.merge.center", kind: .mergeOperator, version: version, signedBy: key)
  }

  private func archive(_ flags: [String] = []) throws -> String { try PluginArchive.write(plugin(flags), into: Workshop.folder("archives")) }

  private func names(_ folder: String) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }

  @Test func installsAFolderAndAnArchiveByHashAndHostsUseIt() throws {
    let sources = [try plugin(), try archive()]
    for source in sources {
      let folder = try Workshop.folder(), installed = try installer(folder).install(source)
      #expect(installed.outcome == .installed && installed.path == folder + "/test.merge.center-1.0.0" && installed.publisher == nil && installed.placement == .inProcess)
      #expect(try names(folder) == [".lock", ".store", "test.merge.center-1.0.0"] && names(folder + "/.store") == [installed.manifestHash])
      #expect(try SHA256.hex(ofFile: installed.path + "/plugin.json") == installed.manifestHash)
      let host = Workshop.host(folder, trust: Self.allow)
      _ = try host.mergeOperator("center")
      #expect(host.snapshot().records.count == 1)
    }
  }

  @Test func theSameAgainChangesNothingAndAnotherContentNeedsAWord() throws {
    let folder = try Workshop.folder(), installer = installer(folder)
    let first = try installer.install(plugin())
    let inode = try FileManager.default.attributesOfItem(atPath: first.path + "/plugin.json")[.systemFileNumber] as? Int
    #expect(try installer.install(archive()).outcome == .unchanged)
    #expect(try FileManager.default.attributesOfItem(atPath: first.path + "/plugin.json")[.systemFileNumber] as? Int == inode)
    let other = try plugin(["-O2"])
    let error = try #require(throws: HostError.self) { _ = try installer.install(other) }
    #expect(error.code == .exists && error.message.contains("another content; say --replace"))
    let second = try installer.install(other, replaces: true)
    #expect(second.outcome == .replaced && second.path == first.path && second.manifestHash != first.manifestHash)
    #expect(try names(folder + "/.store") == [second.manifestHash])
    _ = try Workshop.host(folder, trust: Self.allow).mergeOperator("center")
  }

  @Test func anotherSignatureOverTheSameManifestNeedsAWordToo() throws {
    let a = PluginSignature.makeKeyPair(), b = PluginSignature.makeKeyPair(), folder = try Workshop.folder()
    let publishers = [a, b].map { TrustPolicy.Publisher(name: "acme", key: $0.publicKey, ids: ["test.*"]) }
    let installer = installer(folder, TrustPolicy(publishers: publishers, untrusted: .refuse))
    let first = try installer.install(plugin(signedBy: a.secretKey))
    #expect(first.publisher == "acme")
    let resigned = try plugin(signedBy: b.secretKey)
    let error = try #require(throws: HostError.self) { _ = try installer.install(resigned) }
    #expect(error.message.contains("another signature"))
    #expect(try installer.install(resigned, replaces: true).outcome == .replaced)
    let kept = try Data(contentsOf: URL(fileURLWithPath: first.path + "/plugin.json.sig"))
    #expect(try Data(contentsOf: URL(fileURLWithPath: resigned + "/plugin.json.sig")) == kept)
  }

  @Test func theOperatorsPolicyDecidesBeforeAnythingIsPutThere() throws {
    let folder = try Workshop.folder(), keys = PluginSignature.makeKeyPair(), source = try plugin(signedBy: keys.secretKey)
    let acme = TrustPolicy.Publisher(name: "acme", key: keys.publicKey, ids: ["com.acme.*"])
    var revoked = TrustPolicy(publishers: [.init(name: "acme", key: keys.publicKey, ids: ["*"])])
    revoked.revokedKeys[keys.publicKey] = .init(date: "2026-11-30", reason: "lost")
    let policies: [(TrustPolicy, String, String)] = [
      (TrustPolicy(untrusted: .refuse), "signature", "not the signature of a trusted publisher"),
      (TrustPolicy(publishers: [acme]), "rights", "acme may not publish the id test.merge.center"), (revoked, "signature", "was revoked on 2026-11-30: lost"),
    ]
    for (policy, code, sentence) in policies {
      let error = try #require(throws: HostError.self) { _ = try installer(folder, policy).install(source) }
      #expect(error.code.rawValue == code && error.message.contains(sentence) && error.message.hasPrefix(source), "\(error)")
      #expect(try names(folder) == [".lock"])
    }
  }

  @Test func fetchesAnArchiveAndHoldsItToItsHash() throws {
    let archive = try archive(), bytes = Array(try Data(contentsOf: URL(fileURLWithPath: archive))), hash = try SHA256.hex(ofFile: archive)
    let server = try ScriptedServer { request in
      switch request.path {
      case "/p.tar": .file(bytes, request)
      case "/moved": .redirect("/p.tar")
      case "/cut": .file(bytes, request, cutAfter: 700)
      default: .missing
      }
    }
    for path in ["/p.tar", "/moved"] {
      #expect(try installer(Workshop.folder()).install(server.address + path, sha256: hash.uppercased()).outcome == .installed)
    }
    let folder = try Workshop.folder()
    let refused: [(String, String?, String)] = [
      (server.address + "/p.tar", String(repeating: "0", count: 64), "it is not the file that was meant"), (server.address + "/none", nil, "the server answered 404"),
      (server.address + "/cut", nil, "was not fetched"), ("http://192.0.2.7/p.tar", nil, "only https:// is fetched"),
      ("http://127.0.0.1@192.0.2.7/p.tar", nil, "only https:// is fetched"), ("http://127.0.0.1.example.org/p.tar", nil, "only https:// is fetched"),
      ("ftp://127.0.0.1/p.tar", nil, "only https:// is fetched"), ("file:///etc/passwd", nil, "only https:// is fetched"),
    ]
    for (address, sha256, sentence) in refused {
      let error = try #require(throws: HostError.self, "\(address)") { _ = try installer(folder).install(address, sha256: sha256) }
      #expect(error.message.contains(sentence), "\(error)")
      #expect(try names(folder) == [".lock"])
    }
    let local = try #require(throws: HostError.self) { _ = try installer(folder).install(archive, sha256: "0") }
    #expect(local.code == .init(.hash))
    let unpacked = try plugin()
    let notArchive = try #require(throws: HostError.self) { _ = try installer(folder).install(unpacked, sha256: hash) }
    #expect(notArchive.message.contains("--sha256 is of an archive"))
    let nothing = try #require(throws: HostError.self) { _ = try PluginInstaller(folder: folder, host: HostConfiguration(trust: Self.allow)).install("https://example.org/p.tar") }
    #expect(nothing.message.contains("fetches nothing"))
  }

  /// Sends one piece that begins far behind everything that may be.
  private struct EndlessServer: FileFetching {
    let offset: Int
    func get(_ request: FetchRequest, receive: @escaping (FetchPiece) throws -> Void) throws -> FetchedFile {
      try [UInt8(1)].withUnsafeBytes { try receive(FetchPiece(offset: offset, bytes: $0)) }
      return FetchedFile(status: 200, headers: [:])
    }
  }

  @Test func takesAsManyBytesAsItMayAndNotOneMore() throws {
    for (offset, sentence) in [(PluginArchive.sizeLimit, "more than the limit of 537919488 bytes"), (PluginArchive.sizeLimit - 1, "is no plugin's archive")] {
      let installer = PluginInstaller(folder: try Workshop.folder(), host: HostConfiguration(trust: Self.allow), fetcher: EndlessServer(offset: offset))
      let error = try #require(throws: HostError.self) { _ = try installer.install("https://example.org/p.tar") }
      #expect(error.message.contains(sentence), "\(error)")
    }
  }

  @Test func refusesAFolderThatHoldsMoreOrLinksElsewhere() throws {
    let folder = try Workshop.folder()
    func refusal(_ source: String) throws -> String { try #require(throws: HostError.self) { _ = try installer(folder).install(source) }.message }
    let more = try plugin()
    try Data().write(to: URL(fileURLWithPath: more + "/README"))
    #expect(try refusal(more).contains("holds README, which plugin.json does not name"))
    let linked = try plugin(), name = try #require(names(linked).first { $0.hasSuffix(".so") })
    try FileManager.default.moveItem(atPath: "\(linked)/\(name)", toPath: folder + "/../elsewhere-\(UUID().uuidString).so")
    symlink("/etc/passwd", "\(linked)/\(name)")
    #expect(try refusal(linked).contains("is a symbolic link"))
    #expect(try refusal(Workshop.folder()).contains("holds no plugin.json"))
    #expect(try refusal(folder + "/none").contains("No such file"))
    let fifo = try Workshop.folder() + "/fifo"
    mkfifo(fifo, 0o600)
    #expect(try refusal(fifo).contains("is not a file"))
    #expect(try names(folder) == [".lock"])
  }

  /// Killed right after each step, of a first installation and of a replacement, there is the old or the new plugin, whole, and no other.
  @Test(arguments: PluginInstaller.Step.allCases, [false, true]) func killedAtAnyStepItLeavesNothingHalf(_ step: PluginInstaller.Step, replacing: Bool) throws {
    let folder = try Workshop.folder(), new = try archive(["-O2"]), newHash = try SHA256.hex(ofFile: plugin(["-O2"]) + "/plugin.json")
    let oldHash = replacing ? try installer(folder).install(plugin()).manifestHash : nil
    let (status, output) = try Workshop.run([Built.folder + "/centram-install-fixture", step.rawValue, folder, new])
    #expect(status == -SIGKILL, "\(status) \(output)")
    let host = Workshop.host(folder, trust: Self.allow), records = host.snapshot().records
    let isPublished = [.published, .collected].contains(step)
    #expect(records.count == (replacing || isPublished ? 1 : 0))
    if let record = records.first {
      #expect(try SHA256.hex(ofFile: record.path + "/plugin.json") == (isPublished ? newHash : oldHash))
      _ = try host.mergeOperator("center")
    }
    #expect(PluginVerifier(host).all().allSatisfy { $0.failure == nil })
    // The next installation clears away what was left.
    #expect(try installer(folder).install(new, replaces: true).manifestHash == newHash)
    #expect(try names(folder) == [".lock", ".store", "test.merge.center-1.0.0"] && names(folder + "/.store") == [newHash])
  }

  @Test func installationsAtOnceEndWithOneWholePlugin() async throws {
    let folder = try Workshop.folder(), source = try archive()
    let outcomes = await withTaskGroup(of: PluginInstaller.Outcome?.self) { group in
      for _ in 0..<8 { group.addTask { try? PluginInstaller(folder: folder, host: HostConfiguration(trust: Self.allow)).install(source).outcome } }
      return await group.reduce(into: [PluginInstaller.Outcome?]()) { $0.append($1) }
    }
    #expect(outcomes.count { $0 == .installed } == 1 && outcomes.count { $0 == .unchanged } == 7, "\(outcomes)")
    #expect(try names(folder) == [".lock", ".store", "test.merge.center-1.0.0"])
  }

  @Test func takesOutOneVersionOrAll() throws {
    let folder = try Workshop.folder(), installer = installer(folder)
    for version in ["1.0.0", "1.1.0", "2.0.0"] { _ = try installer.install(plugin(version: version)) }
    #expect(try installer.uninstall("test.merge.center@1.0.0") == ["test.merge.center-1.0.0"])
    #expect(try installer.uninstall("test.merge.center@1.x") == ["test.merge.center-1.1.0"])
    let error = try #require(throws: HostError.self) { _ = try installer.uninstall("test.merge.centre") }
    #expect(error.code == .notFound && error.message.contains("nearest: test.merge.center"))
    // Also one that is damaged beyond reading.
    try Data("{".utf8).write(to: URL(fileURLWithPath: folder + "/test.merge.center-2.0.0/plugin.json"))
    #expect(try installer.uninstall("test.merge.center-2.0.0") == ["test.merge.center-2.0.0"])
    #expect(try names(folder) == [".lock", ".store"] && names(folder + "/.store").isEmpty)
    let nowhere = try #require(throws: HostError.self) { _ = try PluginInstaller(folder: folder + "/none", host: HostConfiguration(trust: Self.allow)).uninstall("x") }
    #expect(nowhere.message.contains("nothing is installed there"))
  }
}

@Suite struct VerifyTests {
  private static let allow = TrustPolicy(untrusted: .allow)

  /// Something that happened to an installed plugin, and a part of the sentence that tells it.
  struct Damage: Sendable, CustomTestStringConvertible {
    let testDescription: String, sentence: String
    let harm: @Sendable (_ plugin: String, _ library: String) throws -> Void
  }

  @Test(arguments: [
    Damage(testDescription: "a bit of the library", sentence: "is not the file that plugin.json names") { plugin, library in
      var bytes = try Data(contentsOf: URL(fileURLWithPath: library))
      bytes[bytes.count / 2] ^= 1
      try bytes.write(to: URL(fileURLWithPath: library))
    },
    Damage(testDescription: "plugin.json said another way", sentence: "plugin.json is not the one that was installed") { plugin, library in
      let file = URL(fileURLWithPath: plugin + "/plugin.json")
      try (Data(contentsOf: file) + Data("\n".utf8)).write(to: file)
    },
    Damage(testDescription: "no library", sentence: "No such file") { try FileManager.default.removeItem(atPath: $1) },
    Damage(testDescription: "no plugin.json", sentence: "is gone; install the plugin again") { plugin, _ in try FileManager.default.removeItem(atPath: plugin + "/plugin.json") },
    Damage(testDescription: "a signature of nobody", sentence: "not the signature of a trusted publisher") { plugin, _ in
      try Data(repeating: 1, count: 64).write(to: URL(fileURLWithPath: plugin + "/plugin.json.sig"))
    },
  ]) func tellsWhatHappenedAndInstallingAgainMendsIt(_ damage: Damage) throws {
    let folder = try Workshop.folder(), source = try Workshop.plugin(Workshop.library("merge"), id: "test.merge.center", kind: .mergeOperator)
    let installer = PluginInstaller(folder: folder, host: HostConfiguration(trust: Self.allow)), installed = try installer.install(source)
    let library = try #require(FileManager.default.contentsOfDirectory(atPath: installed.path).first { $0.hasSuffix(".so") })
    func verdicts() -> [PluginVerifier.Verdict] { PluginVerifier(Workshop.host(folder, trust: Self.allow)).all() }
    #expect(verdicts().map(\.failure) == [nil])
    try damage.harm(installed.path, "\(installed.path)/\(library)")
    #expect(verdicts().count == 1 && verdicts().first?.failure?.contains(damage.sentence) == true, "\(verdicts())")
    let mended = try installer.install(source, replaces: damage.testDescription == "a signature of nobody")
    #expect(mended.outcome != .unchanged && verdicts().map(\.failure) == [nil], "\(mended.outcome)")
  }

  @Test func looksAtWhatIsMeant() throws {
    let folder = try Workshop.folder()
    _ = try PluginInstaller(folder: folder, host: HostConfiguration(trust: Self.allow)).install(
      Workshop.plugin(Workshop.library("merge"), id: "test.merge.center", kind: .mergeOperator))
    var revoked = Self.allow
    let hash = try SHA256.hex(ofFile: folder + "/test.merge.center-1.0.0/plugin.json")
    revoked.revokedHashes[hash] = .init(date: "2026-11-30", reason: "wrong results")
    let verifier = PluginVerifier(Workshop.host(folder, trust: revoked))
    for selector in [nil, "test.merge.center"] {
      #expect(try verifier.verdicts(selector).first?.failure?.contains("was revoked on 2026-11-30: wrong results") == true)
    }
    #expect(try verifier.verdicts(folder + "/test.merge.center-1.0.0").count == 1)
    let error = try #require(throws: HostError.self) { _ = try verifier.verdicts("test.merge.centre") }
    #expect(error.code == .notFound)
  }
}
