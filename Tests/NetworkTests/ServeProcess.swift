import Foundation
import Testing

/// A running `centram-host serve` with a home of its own.
final class ServeProcess: @unchecked Sendable {
  struct Peer: Decodable {
    let id: String?, addresses: [String], transport: String, state: String, path: String, reason: String, roundTripMilliseconds: Double?
    let bytesSent: UInt64, bytesReceived: UInt64, isDialler: Bool, gatePolicy: String?, disabledGateLayers: [String]
  }

  let home: String
  private let process = Process(), command: [String]
  private let condition = NSCondition()
  private var lines: [String] = [], hasEnded = false
  private(set) var id = "", listening: [String] = []

  /// Starts it and waits until it listens.
  /// - Parameters:
  ///   - home: a folder that another one had, to be the same node.
  ///   - prefix: what runs the command, such as inside a namespace.
  init(home: String? = nil, prefix: [String] = [], configuration: String? = nil, _ arguments: [String]) throws {
    let folder = home ?? NSTemporaryDirectory() + "centram-net-\(UUID().uuidString)"
    (self.home, command) = (folder, prefix + [Self.host])
    try FileManager.default.createDirectory(atPath: folder + "/.centram", withIntermediateDirectories: true)
    if let configuration { try Data(configuration.utf8).write(to: URL(fileURLWithPath: folder + "/.centram/config.json")) }
    let all = command + ["serve", "--json"] + arguments
    process.executableURL = URL(fileURLWithPath: all[0])
    process.arguments = Array(all.dropFirst())
    process.environment = ProcessInfo.processInfo.environment.merging(["HOME": folder]) { $1 }
    let output = Pipe()
    (process.standardOutput, process.standardError) = (output, output)
    try process.run()
    Thread.detachNewThread { [self] in
      var rest = Data()
      while true {
        let data = output.fileHandleForReading.availableData
        rest.append(data)
        condition.lock()
        while let end = rest.firstIndex(of: 10) {
          lines.append(String(decoding: rest[rest.startIndex..<end], as: UTF8.self))
          rest = Data(rest[(end + 1)...])
        }
        hasEnded = data.isEmpty
        condition.broadcast()
        condition.unlock()
        if data.isEmpty { return }
      }
    }
    let line = try #require(wait(for: "\"event\":\"started\""), "it does not start: \(text)")
    struct Started: Decodable { let id: String, listening: [String] }
    let started = try JSONDecoder().decode(Started.self, from: Data(line.utf8))
    (id, listening) = (started.id, started.listening)
  }

  deinit {
    if process.isRunning { process.terminate() }
    try? FileManager.default.removeItem(atPath: home)
  }

  var text: String { condition.withLock { lines.joined(separator: "\n") } }
  /// Where the next `wait` may begin, so that it looks at what comes from now on.
  var mark: Int { condition.withLock { lines.count } }

  /// Waits for a line with a text.
  /// - Returns: the line; nil where it did not come within a minute, or the process ended.
  func wait(for text: String, after mark: Int = 0) -> String? {
    let end = Date(timeIntervalSinceNow: 60)
    condition.lock()
    defer { condition.unlock() }
    var next = mark
    while true {
      while next < lines.count {
        if lines[next].contains(text) { return lines[next] }
        next += 1
      }
      if hasEnded || !condition.wait(until: end) { return nil }
    }
  }

  func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  /// Interrupts it as Control-C does.
  /// - Returns: its exit status.
  func interrupt() -> Int32 {
    send(SIGINT)
    process.waitUntilExit()
    return process.terminationStatus
  }

  /// Kills it without a word.
  func killNow() {
    send(SIGKILL)
    process.waitUntilExit()
  }

  /// What `centram-host peers --json` says of it.
  func peers() throws -> [Peer] {
    let result = try Self.run(command + ["peers", "--json"], home: home)
    try #require(result.status == 0, "\(result.output)")
    return try JSONDecoder().decode([Peer].self, from: Data(result.output.utf8))
  }

  static func run(_ command: [String], home: String) throws -> (status: Int32, output: String) {
    let process = Process(), pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: command[0])
    process.arguments = Array(command.dropFirst())
    process.environment = ProcessInfo.processInfo.environment.merging(["HOME": home]) { $1 }
    (process.standardOutput, process.standardError) = (pipe, pipe)
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }

  /// The binary beside the running tests.
  static let host: String = {
    for path in CommandLine.arguments.filter({ $0.hasSuffix(".xctest") }) + [CommandLine.arguments[0]] {
      var folder = URL(fileURLWithPath: path).deletingLastPathComponent()
      for _ in 0..<4 {
        let file = folder.appendingPathComponent("centram-host").path
        if FileManager.default.isExecutableFile(atPath: file) { return file }
        folder.deleteLastPathComponent()
      }
    }
    return "centram-host"
  }()
}
