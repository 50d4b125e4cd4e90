import CentramStore
import Foundation
import StoreSamples
import Testing

/// A folder that goes with the test.
final class TemporaryFolder {
  let path: String
  init() throws {
    path = NSTemporaryDirectory() + "/centram-store-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }
  func callAsFunction(_ name: String) -> String { path + "/" + name }
}

extension GenomeStore {
  /// Where a blob lies.
  func file(_ hash: String) -> String { "\(folder)/blobs/\(hash.prefix(2))/\(hash.dropFirst(2))" }
}

/// What an operation of a store throws; nil where it throws nothing.
func refusal(_ body: () throws(StoreError) -> Void) -> StoreError? {
  do throws(StoreError) { try body() } catch { return error }
  return nil
}

/// The process of `Tests/Fixtures/Store/Process`.
enum Fixture {
  struct Result {
    let lines: [String]
    let status: Int32
    let wasKilled: Bool
    var acknowledged: [String] { lines.filter { $0.hasPrefix("acknowledged ") }.map { String($0.split(separator: " ")[1]) } }
  }

  static let executable: String = {
    let candidates = CommandLine.arguments.filter { $0.hasSuffix(".xctest") } + [CommandLine.arguments[0]]
    for path in candidates {
      var folder = URL(fileURLWithPath: path).deletingLastPathComponent()
      for _ in 0..<4 {
        let file = folder.appendingPathComponent("centram-store-fixture").path
        if FileManager.default.isExecutableFile(atPath: file) { return file }
        folder.deleteLastPathComponent()
      }
    }
    return URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../.build/debug/centram-store-fixture").standardizedFileURL.path
  }()

  static func start(_ arguments: [String]) throws -> (process: Process, output: Pipe) {
    let process = Process(), output = Pipe()
    (process.executableURL, process.arguments, process.standardOutput) = (URL(fileURLWithPath: executable), arguments, output)
    try process.run()
    return (process, output)
  }

  static func run(_ arguments: String...) throws -> Result {
    let (process, output) = try start(arguments)
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return Result(lines: text.split(separator: "\n").map(String.init), status: process.terminationStatus, wasKilled: process.terminationReason == .uncaughtSignal)
  }
}
