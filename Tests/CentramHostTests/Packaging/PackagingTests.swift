import CentramHost
import CentramPackaging
import CentramPluginAPI
import Foundation
import Testing

@Suite struct PackagingTests {
  private let packager = PluginPackager(describeCommand: Built.describe)

  @Test func packsASwiftPluginThatAHostThenTakes() throws {
    let folder = try Workshop.folder(), keys = PluginSignature.makeKeyPair()
    var packager = packager
    (packager.publisher, packager.key) = ("acme", PublisherKey(seed: Array(keys.secretKey.prefix(32))))
    let path = try packager.pack(Built.linear, into: folder)
    #expect(path == folder + "/merge.linear-1.0.0")
    #expect(try FileManager.default.contentsOfDirectory(atPath: path).sorted() == ["libcentram_MergeOperators_Linear.so", "plugin.json", "plugin.json.sig"])
    let publisher = TrustPolicy.Publisher(name: "acme", key: keys.publicKey, ids: ["merge.*"], kinds: [.mergeOperator])
    let host = Workshop.host(folder, trust: TrustPolicy(publishers: [publisher], untrusted: .refuse))
    let merged = try host.mergeOperator("linear").merged(LendingDriver([[1], [2]]), weights: [0.5, 0.25])
    #expect(merged == [1])
    let record = try #require(host.snapshot().records.first)
    #expect(record.publisher == "acme" && record.lanes == [.swift] && record.summary == "Weighted mean of the inputs")
    let manifest = try PluginManifest.decode(Array(Data(contentsOf: URL(fileURLWithPath: path + "/plugin.json"))))
    #expect(manifest.swiftRange?.description == "^1.0")
    #expect(try manifest.sha256 == SHA256.hex(ofFile: Built.linear))
  }

  @Test func putsANewBuildInThePlaceOfTheOldOne() throws {
    let folder = try Workshop.folder()
    let first = try packager.pack(Workshop.library("merge"), into: folder)
    let second = try packager.pack(Workshop.library("merge", ["-O2"]), into: folder)
    #expect(first == second)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["test.merge.center-1.0.0"])
    _ = try Workshop.host(folder).mergeOperator("center")
  }

  @Test func describesALibraryWithoutCallingItsInit() throws {
    let description = try PluginPackager.describe(Workshop.library("merge", ["-DFIXTURE_INIT_CRASHES"]))
    #expect(description.id == "test.merge.center" && description.version == "1.0.0" && description.kind == "merge-operator" && description.lanes == 1)
  }

  @Test func outlivesALibraryThatKillsTheProcessThatDescribesIt() throws {
    let error = try #require(throws: HostError.self) { _ = try packager.pack(Workshop.library("merge", ["-DFIXTURE_CONSTRUCTOR_CRASHES"]), into: Workshop.folder()) }
    #expect(error.message.contains("killed the process that described it, with signal 11"))
  }

  @Test func leavesNothingBehindWhereALibraryIsRefused() throws {
    let folder = try Workshop.folder()
    let error = try #require(throws: HostError.self) { _ = try packager.pack(Workshop.library("merge", ["-DFIXTURE_NO_NOTE"]), into: folder) }
    #expect(error.message.contains("it has no .note.centram"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    let missing = try #require(throws: HostError.self) { _ = try packager.pack(folder + "/none.so", into: folder) }
    #expect(missing.message.contains("No such file"))
    let command = try #require(throws: HostError.self) { _ = try PluginPackager(describeCommand: []).pack(Built.linear, into: folder) }
    #expect(command.code == .invalid)
  }

  @Test func endsADescriptionThatTakesTooLong() throws {
    var slow = PluginPackager(describeCommand: ["/usr/bin/tail", "-f", "/dev/null"])
    slow.timeLimit = 0.05
    let error = try #require(throws: HostError.self) { _ = try slow.pack(Built.linear, into: Workshop.folder()) }
    #expect(error.message.contains("with signal 9"))
  }

  @Test func refusesTextThatIsNoDescription() throws {
    let error = try #require(throws: HostError.self) { _ = try PluginPackager(describeCommand: ["/bin/echo"]).pack(Built.linear, into: Workshop.folder()) }
    #expect(error.message.hasSuffix("was not described: it gave no reason"))
  }
}
