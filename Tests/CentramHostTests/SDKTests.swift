import CentramHost
import CentramPackaging
import CentramPluginAPI
import Foundation
import Testing

/// Plugins that were built from the SDK's folder alone, outside of this repository, are taken by the host that is built already.
@Suite struct SDKTests {
  private static let sdk = Result {
    let path = try Workshop.folder("sdk") + "/sdk"
    let (status, output) = try Workshop.run([Workshop.root + "/Scripts/sdk", path])
    guard status == 0 else { throw PluginError(.internalFailure, "Scripts/sdk failed: \(output)") }
    return path
  }
  private static let source = Workshop.root + "/Tests/Fixtures/Host/Evolution/Plugins/merge.swift"

  private func sdk() throws -> String { try Self.sdk.get() }

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
