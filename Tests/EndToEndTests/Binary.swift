import Foundation
import Testing

/// The real `centram-host`, run as a user runs it.
enum Binary {
  struct Result {
    let status: Int32
    let output: String, errors: String
    /// Whether a signal ended it.
    let wasKilled: Bool
  }

  /// The folder of what was built: that of the running tests.
  static let folder: String = {
    // The test bundle is `centramPackageTests.xctest` in the build folder; the runner may be elsewhere.
    let candidates = CommandLine.arguments.filter { $0.hasSuffix(".xctest") } + [CommandLine.arguments[0]]
    for path in candidates {
      var folder = URL(fileURLWithPath: path).deletingLastPathComponent()
      for _ in 0..<4 {
        if FileManager.default.isExecutableFile(atPath: folder.appendingPathComponent("centram-host").path) { return folder.path }
        folder.deleteLastPathComponent()
      }
    }
    return Repository.root.appendingPathComponent(".build/debug").path
  }()

  static var host: String { folder + "/centram-host" }

  @discardableResult static func run(_ arguments: String..., environment: [String: String] = [:]) throws -> Result {
    try run(arguments, environment: environment)
  }

  static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Result {
    let process = try start(arguments, environment: environment)
    return process.wait()
  }

  /// Runs it with a text on standard input.
  static func run(_ arguments: [String], environment: [String: String] = [:], input: String) throws -> Result {
    let pipe = Pipe(), running = try Running(host, arguments, environment, input: pipe)
    try pipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try pipe.fileHandleForWriting.close()
    return running.wait()
  }

  static func start(_ arguments: [String], environment: [String: String] = [:]) throws -> Running {
    try Running(host, arguments, environment)
  }

  final class Running: @unchecked Sendable {
    let process = Process()
    private let output = Pipe(), errors = Pipe()
    private let group = DispatchGroup()
    private var texts = ["", ""]

    /// - Parameter input: what the process reads; nil for what this one reads.
    init(_ executable: String, _ arguments: [String], _ environment: [String: String], input: Pipe? = nil) throws {
      process.executableURL = URL(fileURLWithPath: executable)
      process.arguments = arguments
      process.environment = ProcessInfo.processInfo.environment.merging(["HOME": "/nonexistent"]) { $1 }.merging(environment) { $1 }
      (process.standardOutput, process.standardError) = (output, errors)
      if let input { process.standardInput = input }
      try process.run()
      for (index, pipe) in [output, errors].enumerated() {
        group.enter()
        // A thread of its own: many tests block at once, and a queue's threads may all be among them.
        Thread.detachNewThread { [self, group] in
          let data = pipe.fileHandleForReading.readDataToEndOfFile()
          texts[index] = String(decoding: data, as: UTF8.self)
          group.leave()
        }
      }
    }

    func wait() -> Result {
      process.waitUntilExit()
      group.wait()
      return Result(status: process.terminationStatus, output: texts[0], errors: texts[1], wasKilled: process.terminationReason == .uncaughtSignal)
    }
  }
}

/// The checkout that holds this file.
enum Repository {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  static let golden = root.appendingPathComponent("Tests/Fixtures/Golden/merge").path
  static let models = golden + "/models"
}

/// A folder that goes with the test.
final class TemporaryFolder {
  let path: String
  init(in parent: String = NSTemporaryDirectory()) throws {
    path = parent + (parent.hasSuffix("/") ? "" : "/") + "centram-e2e-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  func callAsFunction(_ name: String) -> String { path + "/" + name }

  func write(_ text: String, as name: String) throws -> String {
    try Data(text.utf8).write(to: URL(fileURLWithPath: self(name)))
    return self(name)
  }

  var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
}
