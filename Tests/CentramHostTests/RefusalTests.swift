import CentramHost
import CentramPluginAPI
import Foundation
import Testing

/// A plugin with one thing wrong, the check that must refuse it, and a part of the sentence.
struct Tampering: Sendable, CustomTestStringConvertible {
  let name: String, check: PluginCheck, sentence: String
  let make: @Sendable (Signers) throws -> (path: String, trust: TrustPolicy)
  var testDescription: String { name }

  struct Signers: Sendable {
    let acme = PluginSignature.makeKeyPair(), other = PluginSignature.makeKeyPair()
    func trust(kinds: Set<PluginKind> = [], mustIsolate: Bool = false) -> TrustPolicy {
      let acme = TrustPolicy.Publisher(name: "acme", key: acme.publicKey, ids: ["test.*"], kinds: kinds, mustIsolate: mustIsolate)
      return TrustPolicy(publishers: [acme], untrusted: .refuse)
    }
  }

  /// A wrong `plugin.json` around a good library, signed rightly.
  static func manifest(_ name: String, _ check: PluginCheck, _ sentence: String, _ change: @escaping @Sendable (inout [String: Any]) -> Void) -> Tampering {
    Tampering(name: name, check: check, sentence: sentence) { signers in
      let path = try Workshop.plugin(
        Workshop.library("merge"), id: "test.merge.center", kind: .mergeOperator, signedBy: signers.acme.secretKey, change)
      return (path, signers.trust())
    }
  }

  /// A wrong library behind a `plugin.json` that names it rightly.
  static func library(
    _ name: String, _ check: PluginCheck, _ sentence: String, flags: [String], isSwift: Bool = false,
    patch: @escaping @Sendable (inout Data) -> Void = { _ in }
  ) -> Tampering {
    Tampering(name: name, check: check, sentence: sentence) { _ in
      let library = try Workshop.folder("libraries") + "/plugin.so"
      var bytes = try Data(contentsOf: URL(fileURLWithPath: Workshop.library("merge", flags)))
      patch(&bytes)
      try bytes.write(to: URL(fileURLWithPath: library))
      let path = try Workshop.plugin(library, id: "test.merge.center", kind: .mergeOperator) { manifest in
        guard isSwift else { return }
        (manifest["lanes"], manifest["api"]) = (["swift"], ["c": "^1.0", "swift": "^1.0"])
        (manifest["toolchain"], manifest["fingerprint"]) = (hostToolchain, hostFingerprint)
      }
      return (path, TrustPolicy())
    }
  }
}

private let hostToolchain = String(cString: centram_compiled_toolchain()), hostFingerprint = String(cString: centram_compiled_fingerprint())
private let swiftLane = "-DFIXTURE_NOTE_LANES=CENTRAM_LANE_SWIFT"
private let linkAPI = ["-L", Built.folder, "-Wl,--no-as-needed", "-lCentramPluginAPI"]
private let linkSwift = linkAPI + ["-L", Built.swiftLibraries, "-lswiftCore"]
private let builtHere = "-DFIXTURE_TOOLCHAIN=\"\(hostToolchain)\""

private let tamperings: [Tampering] = [
  Tampering(name: "no plugin.json", check: .folder, sentence: "No such file") { _ in (try Workshop.folder(), TrustPolicy()) },
  Tampering(name: "nothing at all", check: .folder, sentence: "nowhere: No such file") { _ in (try Workshop.folder() + "/nowhere", TrustPolicy()) },
  Tampering(name: "a plugin.json of 300 KB", check: .folder, sentence: "larger than the limit of 262144 bytes") { _ in
    let path = try Workshop.folder()
    try Data(repeating: 32, count: 300 << 10).write(to: URL(fileURLWithPath: path + "/plugin.json"))
    return (path, TrustPolicy())
  },
  Tampering(name: "a bare library elsewhere", check: .folder, sentence: "centram-host plugin pack ") { _ in (try Workshop.library("merge"), TrustPolicy()) },
  Tampering(name: "no signature where one is needed", check: .signature, sentence: "there is no plugin.json.sig") { signers in
    (try Workshop.plugin(Workshop.library("merge"), id: "test.merge.center", kind: .mergeOperator), signers.trust())
  },
  Tampering(name: "a short signature", check: .signature, sentence: "has 3 bytes; an Ed25519 signature has 64") { signers in
    let path = try Workshop.plugin(Workshop.library("merge"), id: "test.merge.center", kind: .mergeOperator)
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path + "/plugin.json.sig"))
    return (path, signers.trust())
  },
  Tampering(name: "a stranger's signature", check: .signature, sentence: "not the signature of a trusted publisher (acme)") { signers in
    (try Workshop.plugin(Workshop.library("merge"), id: "test.merge.center", kind: .mergeOperator, signedBy: signers.other.secretKey), signers.trust())
  },
  Tampering(name: "one space added after signing", check: .signature, sentence: "not the signature of a trusted publisher") { signers in
    let path = try Workshop.plugin(Workshop.library("merge"), id: "test.merge.center", kind: .mergeOperator, signedBy: signers.acme.secretKey)
    let file = URL(fileURLWithPath: path + "/plugin.json")
    try (Data(contentsOf: file) + Data(" ".utf8)).write(to: file)
    return (path, signers.trust())
  },
  .manifest("another schema", .manifest, "schema is 2") { $0["schema"] = 2 },
  .manifest("an unknown key", .manifest, "unknown key \"verison\"; nearest: version") { $0["verison"] = "1.0.0" },
  .manifest("an unknown key in api", .manifest, "unknown key \"swft\" in api; nearest: swift") { $0["api"] = ["c": "1.x", "swft": "1.x"] },
  .manifest("a missing key", .manifest, "sha256 is missing") { $0["sha256"] = nil },
  .manifest("a key of another type", .manifest, "id") { $0["id"] = 5 },
  .manifest("an id with a space", .manifest, "must hold only letters") { $0["id"] = "test merge" },
  .manifest("a bad version", .manifest, "\"1.0\" is not a semantic version") { $0["version"] = "1.0" },
  .manifest("a bad range", .manifest, "\"one\" is not a version range") { $0["api"] = ["c": "one"] },
  .manifest("an unknown lane", .manifest, "lane \"rust\" is unknown") { $0["lanes"] = ["rust"] },
  .manifest("no lane", .manifest, "lanes must name one lane or more") { $0["lanes"] = [String]() },
  .manifest("a Swift lane without a toolchain", .manifest, "the swift lane needs") { $0["lanes"] = ["swift"] },
  .manifest("a library outside the folder", .manifest, "must be a file's name") { $0["library"] = "../x.so" },
  .manifest("a short hash", .manifest, "must be 64 lowercase hexadecimal digits") { $0["sha256"] = "abc" },
  .manifest("an unknown isolation", .manifest, "isolation is \"jail\"") { $0["isolation"] = "jail" },
  .manifest("functions outside their lane", .manifest, "functions belongs to the ffi lane") { $0["functions"] = ["merge_block": [String: String]()] },
  .manifest("another publisher's name", .rights, "names the publisher umbrella, but acme signed it") { $0["publisher"] = "umbrella" },
  .manifest("an id outside the publisher's", .rights, "acme may not publish the id gate.norms, only test.*") { $0["id"] = "gate.norms" },
  .manifest("a wish for isolation", .rights, "set up without one") { $0["isolation"] = "process" },
  .manifest("a C ABI to come", .api, "it takes C ABI ^2.0, this host has 1.0.0") { $0["api"] = ["c": "^2.0"] },
  .manifest("a Swift API to come", .api, "it takes Swift API >=1.5.0 <2.0.0, this host has 1.0.0") { manifest in
    (manifest["lanes"], manifest["api"]) = (["swift"], ["c": "1.x", "swift": ">=1.5.0 <2.0.0"])
    (manifest["toolchain"], manifest["fingerprint"]) = (hostToolchain, hostFingerprint)
  },
  .manifest("another library's hash", .hash, "is not the file that plugin.json names") { $0["sha256"] = String(repeating: "0", count: 64) },
  .manifest("a library that is not there", .hash, "No such file") { $0["library"] = "other.so" },
  .manifest("lanes that the library has not", .note, "its note names the lanes 1, plugin.json says 2") { manifest in
    (manifest["lanes"], manifest["api"]) = (["swift"], ["c": "1.x", "swift": "1.x"])
    (manifest["toolchain"], manifest["fingerprint"]) = (hostToolchain, hostFingerprint)
  },
  .manifest("another id than the library's", .descriptor, "its descriptor says id \"test.merge.center\", plugin.json \"test.merge.left\"") { $0["id"] = "test.merge.left" },
  .manifest("another version than the library's", .descriptor, "its descriptor says version \"1.0.0\", plugin.json \"1.0.1\"") { $0["version"] = "1.0.1" },
  .manifest("another kind than the library's", .descriptor, "its descriptor says kind \"merge-operator\"") { $0["kind"] = "gate-layer" },
  Tampering(name: "a kind that the publisher may not publish", check: .rights, sentence: "may not publish the kind merge-operator, only trainer") { signers in
    let path = try Workshop.plugin(Workshop.library("merge"), id: "test.merge.center", kind: .mergeOperator, signedBy: signers.acme.secretKey)
    return (path, signers.trust(kinds: [.trainer]))
  },
  Tampering(name: "a publisher that must be isolated", check: .rights, sentence: "the entry of its publisher acme says so") { signers in
    let path = try Workshop.plugin(Workshop.library("merge"), id: "test.merge.center", kind: .mergeOperator, signedBy: signers.acme.secretKey)
    return (path, signers.trust(mustIsolate: true))
  },
  .library("one bit of the library", .hash, "is not the file that plugin.json names", flags: []) { _ in },
  .library("text instead of a library", .elf, "not a 64-bit little-endian ELF file", flags: []) { $0 = Data(repeating: 65, count: 500) },
  .library("an empty library", .hash, "it is empty", flags: []) { $0 = Data() },
  .library("another processor", .machine, "built for ELF machine 8", flags: []) {
    $0[18] = 8; $0[19] = 0
  },
  .library("no note", .note, "it has no .note.centram", flags: ["-DFIXTURE_NO_NOTE"]),
  .library("another C ABI", .note, "built for C ABI 7.0", flags: []) { $0[$0.range(of: Data("Centram\0CTM1".utf8))!.upperBound] = 7 },
  .library("a Swift API to come in the note", .note, "built for Swift API 1.9", flags: [swiftLane], isSwift: true) { bytes in
    bytes[bytes.range(of: Data("Centram\0CTM1".utf8))!.upperBound + 6] = 9
  },
  .library("an API of its own", .needed, "it does not link libCentramPluginAPI.so", flags: [swiftLane], isSwift: true),
  .library("a Swift runtime of its own", .needed, "it does not link libswiftCore.so", flags: [swiftLane] + linkAPI, isSwift: true),
  .library(
    "a copy of the API's types", .types, "it defines CentramPluginAPI.MergeRequest itself",
    flags: [swiftLane, "-DFIXTURE_EXTRA_SYMBOL=\"$s16CentramPluginAPI12MergeRequestVMn\""] + linkSwift, isSwift: true),
  .library(
    "a conformance of a foreign type", .conformances, "it conforms Swift.Int to CentramPluginAPI.GateLayer",
    flags: [swiftLane, "-DFIXTURE_EXTRA_SYMBOL=\"$sSi16CentramPluginAPI9GateLayer3FooMc\""] + linkSwift, isSwift: true),
  .library("two entries", .entry, "it exports 2 entries", flags: ["-DFIXTURE_TWO_ENTRIES"]),
  .library("no entry", .entry, "it exports no centram_plugin_descriptor", flags: ["-DFIXTURE_ENTRY=some_function"]),
  .library("another toolchain", .toolchain, "it was built by \"GNU 4\"", flags: [swiftLane, "-DFIXTURE_TOOLCHAIN=\"GNU 4\""] + linkSwift, isSwift: true),
  .library("another interface", .fingerprint, "names the fingerprint", flags: [swiftLane, builtHere, "-DFIXTURE_FINGERPRINT=\"x\""] + linkSwift, isSwift: true),
  .library("a missing library", .load, "libcentram_nowhere.so", flags: ["-L", Workshop.scratch, "-Wl,--no-as-needed", "-l:libcentram_nowhere.so"]),
  .library("no descriptor", .descriptor, "its entry returned no descriptor", flags: ["-DFIXTURE_DESCRIPTOR=NULL"]),
  .library("another magic", .descriptor, "its descriptor begins with 0x1234", flags: ["-DFIXTURE_MAGIC=0x1234"]),
  .library("a short descriptor", .descriptor, "its descriptor has 8 bytes", flags: ["-DFIXTURE_DESCRIPTOR_SIZE=8"]),
  .library("an init that fails", .initialize, "its init failed: the licence ran out", flags: ["-DFIXTURE_INIT_FAILS"]),
  .library("a short table", .interface, "its centram.merge/1 has 16 bytes", flags: ["-DFIXTURE_TABLE_SIZE=16"]),
  .library("a table without its function", .interface, "its centram.merge/1 has no function merge", flags: ["-DFIXTURE_MERGE=NULL"]),
]

@Suite struct RefusalTests {
  @Test(arguments: tamperings + trustTamperings) func eachTamperingIsRefusedByItsOwnCheck(_ tampering: Tampering) throws {
    if tampering.name == "a missing library" { try emptyLibrary() }
    var (path, trust) = try tampering.make(Tampering.Signers())
    if tampering.name == "one bit of the library" {
      let file = URL(fileURLWithPath: path + "/plugin.so")
      var bytes = try Data(contentsOf: file)
      bytes[bytes.count / 2] ^= 1
      try bytes.write(to: file)
    }
    trust.allowUnpackaged = true
    let host = PluginHost(configuration: HostConfiguration(trust: trust))
    let record = host.check(path, upTo: .interface)
    let last = try #require(record.checks.last)
    #expect(last.check == tampering.check, "\(record.checks.map(\.description).joined(separator: "\n"))")
    let reason = try #require(record.reason)
    #expect(reason.contains(tampering.sentence), "\(reason)")
    // The chain stops at the first failure, and comes to it in order.
    #expect(record.checks.map(\.check) == Array(PluginCheck.allCases.prefix(record.checks.count)))
  }

  /// Something to link against that is gone when the plugin is loaded.
  private func emptyLibrary() throws {
    let source = Workshop.scratch + "/empty.c"
    try "int nothing;".write(toFile: source, atomically: true, encoding: .utf8)
    _ = try Workshop.run(["/usr/bin/cc", "-shared", "-fPIC", source, "-o", Workshop.scratch + "/libcentram_nowhere.so"])
  }

  @Test func everyRefusalOfTheTableDiffersFromTheOthers() {
    let all = tamperings + trustTamperings
    #expect(Set(all.map(\.name)).count == all.count && all.count >= 90)
    #expect(Set(all.map { "\($0.check) \($0.sentence)" }).count >= 70)
    #expect(Set(all.map(\.check)).count >= 18)
  }

  /// The linker hides the descriptor of a support module's type, and not the one of its conformance.
  @Test func aTypeOfAModuleThatIsLinkedInConformsAsItsOwnModuleSays() throws {
    let symbol = "$s23CentramTransportSupport21MultiplexedConnectionC0A9PluginAPI0bE0AAMc"
    let flags = [swiftLane, builtHere, "-DFIXTURE_EXTRA_SYMBOL=\"\(symbol)\""] + linkSwift
    var (path, trust) = try Tampering.library("none", .conformances, "", flags: flags, isSwift: true).make(Tampering.Signers())
    trust.allowUnpackaged = true
    let record = PluginHost(configuration: HostConfiguration(trust: trust)).check(path, upTo: .conformances)
    #expect(record.reason == nil && record.checks.last?.check == .conformances, "\(record.reason ?? "")")
  }

  @Test func aGoodPluginPassesEveryCheckInOrder() throws {
    let signers = Tampering.Signers()
    let path = try Workshop.plugin(Workshop.library("merge"), id: "test.merge.center", kind: .mergeOperator, signedBy: signers.acme.secretKey) {
      $0["publisher"] = "acme"
    }
    let host = PluginHost(configuration: HostConfiguration(trust: signers.trust()))
    let record = host.check(path, upTo: .interface)
    #expect(record.reason == nil && record.state == .loaded && record.publisher == "acme")
    #expect(record.checks.map(\.check) == Array(PluginCheck.allCases.dropLast()))
    #expect(host.check(path).state == .checked && host.check(path, upTo: .api).state == .found)
    #expect(host.snapshot().records.isEmpty)
  }
}
