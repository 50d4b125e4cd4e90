import CentramHost
import CentramIsolation
import CentramPackaging
import CentramTemplates
import Foundation

/// An SDK of this checkout, and projects made of its templates.
enum Workshop {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  /// The folder of the running tests, with what was built beside them.
  private static let built: String = {
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
    let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? bundle
    let candidates = [bundle, executable].map { URL(fileURLWithPath: $0).deletingLastPathComponent().resolvingSymlinksInPath().path }
    return candidates.first { FileManager.default.fileExists(atPath: $0 + "/libCentramPluginAPI.so") } ?? candidates[0]
  }()

  static var runner: String? { ProcessIsolation.runner(named: nil, executableFolder: built) }

  /// Without a backtrace, which takes seconds where a library kills the process.
  private static var describe: [String] { ["/usr/bin/env", "SWIFT_BACKTRACE=enable=no", built + "/centram-describe-fixture"] }

  /// A folder of this process's own.
  private static let scratch: String = {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("centram-template-tests-\(UUID().uuidString)").standardizedFileURL.path
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    atexit { try? FileManager.default.removeItem(atPath: Workshop.scratch) }
    return path
  }()

  static func folder(_ name: String = "folder") throws -> String {
    let path = "\(scratch)/\(name)-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  struct Failure: Error { let output: String }

  /// Runs a program that must end well.
  @discardableResult static func run(_ command: [String], in folder: String? = nil) throws -> String {
    let child = Process(), pipe = Pipe()
    child.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    child.arguments = command
    (child.standardOutput, child.standardError, child.standardInput) = (pipe, pipe, FileHandle.nullDevice)
    if let folder { child.currentDirectoryURL = URL(fileURLWithPath: folder) }
    try child.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    child.waitUntilExit()
    guard child.terminationReason == .exit, child.terminationStatus == 0 else { throw Failure(output: output) }
    return output
  }

  /// As `Scripts/sdk` lays it out, with the library that these tests run on.
  static let sdk: Result<PluginSDK, any Error> = Result {
    let sdk = try folder("sdk"), api = root + "/Sources/CentramPluginAPI"
    let architecture = try run(["uname", "-m"]).trimmingCharacters(in: .whitespacesAndNewlines)
    let module = "\(sdk)/swift/CentramPluginAPI.swiftmodule"
    for part in [module, "\(sdk)/lib"] { try FileManager.default.createDirectory(atPath: part, withIntermediateDirectories: true) }
    try FileManager.default.copyItem(atPath: "\(api)/C/include", toPath: "\(sdk)/include")
    try run(["cp", "-RL", "\(root)/Templates", "\(sdk)/templates"])
    try FileManager.default.copyItem(atPath: "\(built)/libCentramPluginAPI.so", toPath: "\(sdk)/lib/libCentramPluginAPI.so")
    let sources = try FileManager.default.contentsOfDirectory(atPath: "\(api)/Swift").map { "\(api)/Swift/\($0)" }
    try run(
      [
        "swiftc", "-emit-module", "-module-name", "CentramPluginAPI", "-swift-version", "6", "-enable-library-evolution",
        "-no-verify-emitted-module-interface", "-enable-upcoming-feature", "ExistentialAny", "-I", "\(sdk)/include",
        "-emit-module-path", "\(sdk)/made.swiftmodule", "-emit-module-interface-path", "\(module)/\(architecture)-unknown-linux-gnu.swiftinterface",
      ] + sources)
    let clang = try URL(fileURLWithPath: run(["sh", "-c", "readlink -f \"$(command -v swiftc)\""]).trimmingCharacters(in: .whitespacesAndNewlines))
      .deletingLastPathComponent().appendingPathComponent("clang").path
    try run([clang, "-O1", "-fPIC", "-c", "-I", "\(sdk)/include", "\(api)/Stamp/stamp.c", "-o", "\(sdk)/lib/centram_stamp.o"])
    return try PluginSDK(sdk)
  }

  /// Whether a program is installed.
  static func has(_ program: String) -> Bool { (try? run([program, "--version"])) != nil }

  static let cargo: String? = ["cargo", NSHomeDirectory() + "/.cargo/bin/cargo"].first(where: has)

  /// Makes a project, builds its library with the project's own Makefile, and packs it.
  /// - Returns: the plugin's folder.
  static func packed(_ project: PluginProject) throws -> String {
    let folder = try folder("projects") + "/" + project.name
    try project.write(into: folder, sdk: sdk.get())
    let log = try run(["make", "SWIFTFLAGS=-Onone -warnings-as-errors", "CFLAGS=-O1 -Wall -Wextra -Wpedantic -Werror", "CARGO=\(cargo ?? "cargo")"], in: folder)
    guard !log.contains("warning:") else { throw Failure(output: log) }
    let library = try FileManager.default.contentsOfDirectory(atPath: folder).first { $0.hasSuffix(".so") } ?? ""
    return try pack("\(folder)/\(library)")
  }

  /// - Returns: the plugin's folder.
  static func pack(_ library: String) throws -> String { try PluginPackager(describeCommand: describe).pack(library, into: folder("plugins")) }
}
