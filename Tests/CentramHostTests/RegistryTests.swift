import CentramHost
import CentramPluginAPI
import Foundation
import Testing

@Suite struct RegistryTests {
  /// Lays out plugins of the C lane in a folder without loading any.
  private func folder(_ plugins: [(id: String, version: String)]) throws -> String {
    let folder = try Workshop.folder()
    for plugin in plugins {
      let library = try Workshop.library("merge", ["-DFIXTURE_ID=\"\(plugin.id)\"", "-DFIXTURE_VERSION=\"\(plugin.version)\""])
      try Workshop.plugin(library, id: plugin.id, kind: .mergeOperator, version: plugin.version, in: folder)
    }
    return folder
  }

  @Test func loadsOnlyWhatIsAskedForAndTheHighestVersionInRange() throws {
    let host = Workshop.host(try folder([("a.mean", "1.0.0"), ("a.mean", "1.2.0"), ("a.mean", "2.0.0-beta.1"), ("a.mean", "1.10.0"), ("b.sum", "1.0.0")]))
    #expect(host.snapshot().records.allSatisfy { $0.state == .found && $0.checks.count == 5 })
    _ = try host.mergeOperator("a.mean")
    _ = try host.mergeOperator("a.mean@^1.0.0")
    _ = try host.mergeOperator("mean@1.2.x")
    let states = host.snapshot().records.map { "\($0.title) \($0.state)" }.sorted()
    #expect(states == ["a.mean 1.0.0 found", "a.mean 1.10.0 running", "a.mean 1.2.0 running", "a.mean 2.0.0-beta.1 found", "b.sum 1.0.0 found"])
    #expect(try host.load(id: "a.mean", range: VersionRange("2.0.0-beta.1")).state == .loaded)
  }

  @Test func findsShortNamesWithHyphensAndUnderscoresEqual() throws {
    let host = Workshop.host(try folder([("a.dare-ties", "1.0.0"), ("a.mean", "1.0.0"), ("b.mean", "1.0.0")]))
    #expect(try host.resolve(kind: .mergeOperator, name: "dare_ties").id == "a.dare-ties")
    #expect(try host.resolve(kind: .mergeOperator, name: "dare-ties@1.x").id == "a.dare-ties")
    let two = try #require(throws: HostError.self) { _ = try host.resolve(kind: .mergeOperator, name: "mean") }
    #expect(two == HostError(.ambiguous, "mean may be a.mean or b.mean; write the full id"))
  }

  @Test func suggestsTheNearestNameOrListsAll() throws {
    let host = Workshop.host(try folder([("a.density", "1.0.0"), ("a.mean", "1.0.0")]))
    func message(_ name: String) throws -> String { try #require(throws: HostError.self) { _ = try host.mergeOperator(name) }.message }
    #expect(try message("densty") == "no merge operator named densty; nearest: density")
    #expect(try message("a.maen") == "no merge operator named a.maen; nearest: a.mean")
    #expect(try message("tokyo") == "no merge operator named tokyo; there are density, mean")
    #expect(try message("a.mean@^3.0") == "a.mean has no version in ^3.0; there are 1.0.0")
    let wrong = try #require(throws: HostError.self) { _ = try host.gateLayer("a.mean") }
    #expect(wrong == HostError(.wrongKind, "a.mean is a merge-operator, not a gate-layer"))
    let none = try #require(throws: HostError.self) { _ = try host.trainer("adam") }
    #expect(none.message == "no trainer named adam; there is none at all")
    let id = try #require(throws: HostError.self) { try host.load(id: "a.meen") }
    #expect(id.message == "no plugin has the id a.meen; nearest: a.mean")
  }

  @Test func shadowsTheSameVersionInALaterFolder() throws {
    let first = try folder([("a.mean", "1.0.0")]), second = try folder([("a.mean", "1.0.0"), ("a.mean", "1.1.0")])
    let host = PluginHost(configuration: HostConfiguration(folders: [first], pluginPath: "/nowhere::\(second)"))
    host.discover()
    let records = host.snapshot().records
    #expect(records.map(\.title) == ["a.mean 1.0.0", "a.mean 1.0.0", "a.mean 1.1.0"])
    #expect(records[1].reason?.hasPrefix("shadowed by the same version in ") ?? false)
    #expect(try host.load(id: "a.mean", range: VersionRange("1.0.0")).path == records[0].path)
  }

  @Test func looksBesideTheExecutableLast() throws {
    let root = try Workshop.folder("install"), library = try Workshop.library("merge")
    try FileManager.default.createDirectory(atPath: root + "/bin", withIntermediateDirectories: true)
    try Workshop.plugin(library, id: "test.merge.center", kind: .mergeOperator, in: root + "/lib/centram/plugins")
    try FileManager.default.copyItem(atPath: library, toPath: root + "/bin/libcentram_center.so")
    let host = PluginHost(configuration: HostConfiguration(executableFolder: root + "/bin"))
    host.discover()
    #expect(host.snapshot().records.map(\.path.lastComponent) == ["test.merge.center-1.0.0", "libcentram_center.so"])
    #expect(host.snapshot().records[1].shadowedBy != nil)
  }

  @Test func refusesABareLibraryOutsideTheExecutablesFolder() throws {
    let folder = try Workshop.folder()
    try FileManager.default.copyItem(atPath: Workshop.library("merge"), toPath: folder + "/libcentram_center.so")
    let host = Workshop.host(folder)
    let record = try #require(host.snapshot().records.first)
    #expect(record.reason?.contains("pack it with: centram-host plugin pack ") ?? false && record.checks.count == 1)
  }

  @Test func refusesADisabledPlugin() throws {
    let host = PluginHost(configuration: HostConfiguration(folders: [try folder([("a.mean", "1.0.0")])], disabled: ["a.mean"]))
    host.discover()
    #expect(host.snapshot().records.first?.isDisabled ?? false && host.snapshot().usable().isEmpty)
    let error = try #require(throws: HostError.self) { _ = try host.mergeOperator("mean") }
    #expect(error.code == .disabled)
  }

  @Test func givesNoInstanceOfAStoppedPlugin() throws {
    let host = Workshop.host(try folder([("a.mean", "1.0.0")]))
    let running = try host.mergeOperator("mean")
    host.stop(id: "a.mean", version: SemanticVersion(1, 0, 0))
    #expect(host.snapshot().records.first?.state == .stopped)
    let error = try #require(throws: HostError.self) { _ = try host.mergeOperator("mean") }
    #expect(error.message.contains("stopped"))
    #expect(try running.merged(LendingDriver([[1, 3]])) == [-1, 1])
  }

  @Test func passesOverAVersionThatIsRefusedAndSaysSo() throws {
    let folder = try folder([("a.mean", "1.0.0"), ("a.mean", "1.1.0")]), log = LogCollector()
    let library = try #require(FileManager.default.contentsOfDirectory(atPath: folder + "/a.mean-1.1.0").first { $0.hasSuffix(".so") })
    try Data("not a library".utf8).write(to: URL(fileURLWithPath: "\(folder)/a.mean-1.1.0/\(library)"))
    let host = Workshop.host(folder, services: log.services)
    _ = try host.mergeOperator("mean")
    #expect(host.snapshot().records.map { "\($0.title) \($0.state)" } == ["a.mean 1.0.0 running", "a.mean 1.1.0 failed"])
    #expect(log.all.first?.hasPrefix("warning a.mean 1.1.0 is passed over: \(library) is not the file that plugin.json names") ?? false)
    let error = try #require(throws: HostError.self) { _ = try host.mergeOperator("mean@1.1.0") }
    #expect(error.code.rawValue == "hash" && error.message.hasPrefix("a.mean 1.1.0 cannot be used: "))
  }

  @Test func findsAPluginThatCameLaterAndKeepsWhatIsLoaded() throws {
    let folder = try folder([("a.mean", "1.0.0")]), host = Workshop.host(folder)
    _ = try host.mergeOperator("mean")
    let library = try Workshop.library("merge", ["-DFIXTURE_ID=\"a.mean\"", "-DFIXTURE_VERSION=\"1.1.0\""])
    try Workshop.plugin(library, id: "a.mean", kind: .mergeOperator, version: "1.1.0", in: folder)
    host.discover()
    #expect(host.snapshot().records.map { "\($0.title) \($0.state)" } == ["a.mean 1.0.0 running", "a.mean 1.1.0 found"])
    try FileManager.default.removeItem(atPath: folder + "/a.mean-1.0.0")
    host.discover()
    #expect(host.snapshot().records.map { "\($0.title) \($0.state)" }.sorted() == ["a.mean 1.0.0 running", "a.mean 1.1.0 found"])
  }

  @Test func saysThatARestartIsNeededAfterSixteenVersions() throws {
    let host = Workshop.host(try folder((0..<17).map { ("a.mean", "1.0.\($0)") }))
    for patch in 0..<16 { try host.load(id: "a.mean", range: VersionRange("1.0.\(patch)")) }
    let error = try #require(throws: HostError.self) { try host.load(id: "a.mean", range: VersionRange("1.0.16")) }
    #expect(error == HostError(.restartNeeded, "16 versions of a.mean are in memory, the limit is 16, and none can be unloaded: restart needed"))
    #expect(try host.load(id: "a.mean", range: VersionRange("1.0.3")).version == SemanticVersion(1, 0, 3))
  }
}

extension String { fileprivate var lastComponent: String { URL(fileURLWithPath: self).lastPathComponent } }
