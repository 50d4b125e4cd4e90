import CentramHost
import CentramPackaging
import CentramPluginAPI
import Foundation
import Testing

/// Plugins that were built from the SDK's folder alone, outside of this repository, are taken by the host that is built already.
@Suite struct SDKTests {
  /// Written from what an archive of the sources holds of it, where git is not to be had and somebody built the examples before.
  private static let sdk = Result {
    let folder = try Workshop.folder("archive"), path = try Workshop.folder("sdk") + "/sdk"
    for part in ["Scripts/sdk", "Sources/CentramPluginAPI", "Sources/CentramPluginTesting", "Sources/CSodium", "Examples", "Templates"] {
      let target = URL(fileURLWithPath: "\(folder)/\(part)")
      try FileManager.default.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
      let (status, output) = try Workshop.run(["/bin/cp", "-RL", "\(Workshop.root)/\(part)", target.path])
      guard status == 0 else { throw PluginError(.internalFailure, "cp failed: \(output)") }
    }
    for leftover in ["Examples/MergeOperatorC/old.o", "Examples/MergeOperatorC/libold.so", "Examples/MergeOperatorRust/target/release/old"] {
      let file = URL(fileURLWithPath: "\(folder)/\(leftover)")
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data("old".utf8).write(to: file)
    }
    let noGit = folder + "/no-git"
    try FileManager.default.createDirectory(atPath: noGit, withIntermediateDirectories: true)
    try "#!/bin/sh\necho there is no git >&2\nexit 1\n".write(toFile: noGit + "/git", atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: noGit + "/git")
    let search = "PATH=\(noGit):" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
    let (status, output) = try Workshop.run(["/usr/bin/env", search, folder + "/Scripts/sdk", path], in: folder)
    guard status == 0, !output.contains("there is no git") else { throw PluginError(.internalFailure, "Scripts/sdk failed: \(output)") }
    // Before any test builds in it.
    return (path: path, files: try FileManager.default.subpathsOfDirectory(atPath: path))
  }
  private static let source = Workshop.root + "/Tests/Fixtures/Host/Evolution/Plugins/merge.swift"

  private func sdk() throws -> String { try Self.sdk.get().path }

  private func build(_ command: [String], in folder: String? = nil) throws {
    let (status, output) = try Workshop.run(["/usr/bin/env"] + command, in: folder)
    try #require(status == 0, "\(command.joined(separator: " ")): \(output)")
    #expect(!output.contains("warning:"), "\(output)")
  }

  /// Packs a library, as its author would, and merges [1, 2] and [10, 20] with it.
  private func merged(_ library: String, _ id: String, shared: [String: ParameterValue] = [:]) throws -> [Float] {
    let folder = try Workshop.folder()
    _ = try PluginPackager(describeCommand: Built.describe).pack(library, into: folder)
    return try Workshop.host(folder).mergeOperator(id).merged(LendingDriver([[1, 2], [10, 20]], blockSize: 1), shared: shared)
  }

  @Test func itIsWrittenWithoutGitAndWithoutWhatWasBuiltBefore() throws {
    let (sdk, files) = try Self.sdk.get()
    for wanted in [
      "README.md", "LICENSE", "include/centram_plugin.h", "lib/centram_stamp.o", "lib/libCentramPluginAPI.so", "lib/libCentramPluginTesting.so",
      "templates/shared/swift/Package.swift", "examples/MergeOperatorC/median.c", "examples/GateLayerC/size.c", "examples/MergeOperatorRust/Cargo.lock",
    ] { #expect(files.contains(wanted), "\(wanted)") }
    for module in ["CentramPluginAPI", "CentramPluginTesting"] {
      #expect(files.contains { $0.hasPrefix("swift/\(module).swiftmodule/") && $0.hasSuffix(".swiftinterface") }, "\(module)")
    }
    #expect(!files.contains { $0.contains("old") || $0.contains("target/") || $0.contains("private.swiftinterface") || $0.contains("package.swiftinterface") })
    // The kit needs nothing of the host's.
    for file in files where file.hasSuffix(".swiftinterface") {
      #expect(try !String(contentsOfFile: "\(sdk)/\(file)", encoding: .utf8).contains("import CentramHost"), "\(file)")
    }
  }

  @Test func aPluginOfPlainSwiftcLoads() throws {
    let sdk = try sdk(), library = try Workshop.folder("swiftc") + "/libsum.so"
    try build(
      [
        "swiftc", "-O", "-swift-version", "6", "-parse-as-library", "-emit-library", "-module-name", "Sum", "-I", sdk + "/swift", "-I", sdk + "/include", Self.source,
        sdk + "/lib/centram_stamp.o", "-L", sdk + "/lib", "-lCentramPluginAPI", "-o", library,
      ])
    #expect(try merged(library, "early.merge.sum", shared: ["factor": .number(3)]) == [33, 66])
  }

  @Test func aPluginOfSwiftPMLoads() throws {
    let sdk = try sdk(), folder = try Workshop.folder("swiftpm")
    try FileManager.default.createDirectory(atPath: folder + "/Sources/Sum", withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: Self.source, toPath: folder + "/Sources/Sum/Sum.swift")
    try """
    // swift-tools-version:6.2
    import PackageDescription
    let sdk = "\(sdk)"
    let package = Package(
      name: "Sum", products: [.library(name: "Sum", type: .dynamic, targets: ["Sum"])],
      targets: [
        .target(
          name: "Sum", swiftSettings: [.unsafeFlags(["-I", sdk + "/swift", "-I", sdk + "/include"])],
          linkerSettings: [.unsafeFlags([sdk + "/lib/centram_stamp.o", "-L", sdk + "/lib", "-lCentramPluginAPI"])])
      ])
    """.write(toFile: folder + "/Package.swift", atomically: true, encoding: .utf8)
    try build(["swift", "build", "--disable-sandbox"], in: folder)
    #expect(try merged(folder + "/.build/debug/libSum.so", "early.merge.sum", shared: ["factor": .number(1)]) == [11, 22])
  }

  /// The testing kit finds fault with an operator that is wrong, and none with one that is right.
  @Test func aStrangersTestsRunTheConformanceSuites() throws {
    let sdk = try sdk(), folder = try Workshop.folder("kit")
    for target in ["Sources/Average", "Tests/AverageTests"] { try FileManager.default.createDirectory(atPath: "\(folder)/\(target)", withIntermediateDirectories: true) }
    let average = try String(contentsOfFile: sdk + "/templates/merge-operator/swift/Sources/Plugin/Plugin.swift", encoding: .utf8)
    try average.replacing("@ID@", with: "sdk.merge.average").replacing("@MODULE@", with: "average")
      .write(toFile: folder + "/Sources/Average/Average.swift", atomically: true, encoding: .utf8)
    try """
    // swift-tools-version:6.2
    import PackageDescription
    let sdk = "\(sdk)"
    let settings: [SwiftSetting] = [.unsafeFlags(["-I", sdk + "/swift", "-I", sdk + "/include"])]
    let package = Package(
      name: "Average",
      targets: [
        .target(name: "Average", swiftSettings: settings, linkerSettings: [.unsafeFlags([sdk + "/lib/centram_stamp.o", "-L", sdk + "/lib", "-lCentramPluginAPI"])]),
        .testTarget(
          name: "AverageTests", dependencies: ["Average"], swiftSettings: settings,
          linkerSettings: [.unsafeFlags(["-L", sdk + "/lib", "-lCentramPluginTesting", "-Xlinker", "-rpath", "-Xlinker", sdk + "/lib"])]),
      ])
    """.write(toFile: folder + "/Package.swift", atomically: true, encoding: .utf8)
    try """
    import CentramPluginAPI
    import CentramPluginTesting
    import Testing
    @testable import Average

    struct Forgetful: TensorMerging {
      let info = MergeOperatorInfo(needs: .baseAsInput, inputs: 1...8, parameters: [])
      func merge(_ request: MergeRequest) throws(PluginError) {
        try request.forEachBlock { block in for index in 1..<max(1, block.count) { block.output[index] = block.inputs[0][index] } }
      }
    }

    @Test func theSuiteCatchesWhatIsWrong() async {
      let failures = await MergeOperatorConformance { _ in Forgetful() }.failures()
      #expect(failures.contains { $0.check == "shapes" })
    }
    @Test func theSuiteTakesWhatIsRight() async { #expect(await MergeOperatorConformance { _ in Average() }.failures() == []) }
    """.write(toFile: folder + "/Tests/AverageTests/AverageTests.swift", atomically: true, encoding: .utf8)
    let (status, output) = try Workshop.run(["/usr/bin/env", "swift", "test", "--disable-sandbox"], in: folder)
    #expect(status == 0 && output.contains("2 tests") && !output.contains("warning:"), "\(output)")
  }

  @Test func itsExamplesInCLoad() throws {
    let folder = try sdk() + "/examples/MergeOperatorC"
    try build(["make", "-s"], in: folder)
    #expect(try merged(folder + "/libmedian.so", "median") == [5.5, 11])
  }

  @Test func aPluginInCxxLoads() throws {
    let library = try Workshop.folder("cxx") + "/libsum.so"
    try build(
      [
        "c++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-O2", "-ffp-contract=off", "-fPIC", "-shared", "-I", try sdk() + "/include",
        Workshop.root + "/Tests/Fixtures/Host/SDK/sum.cc", "-o", library,
      ])
    #expect(try merged(library, "sdk.merge.sum-cc") == [11, 22])
  }

  @Test(.enabled(if: ExamplesTests.cargo != nil, "cargo is not installed")) func itsExampleInRustLoads() throws {
    let folder = try sdk() + "/examples/MergeOperatorRust"
    try build([try #require(ExamplesTests.cargo), "build", "--release", "--offline", "--quiet"], in: folder)
    let equal: [String: ParameterValue] = ["normalize": .boolean(true)]
    let packed = try Workshop.folder()
    _ = try PluginPackager(describeCommand: Built.describe).pack(folder + "/target/release/liblinear.so", into: packed)
    #expect(try Workshop.host(packed).mergeOperator("linear-rust").merged(LendingDriver([[1, 2], [10, 20]]), weights: [1, 2], shared: equal) == [7, 14])
  }
}
