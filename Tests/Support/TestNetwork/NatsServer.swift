internal import Foundation

/// A real nats-server on a port of its own, which a test may kill and start again.
public final class NatsServer: @unchecked Sendable {
  public let host: String
  public private(set) var port = 0
  private var process: Process
  private let folder: URL

  public struct Failure: Error { public let message: String }
  public static var isInstalled: Bool { executable != nil }

  public var address: String { "nats://\(host.contains(":") ? "[\(host)]" : host):\(port)" }

  /// - Throws: `Failure` where nats-server is not installed (Scripts/setup does that), or does not start.
  public init(host: String = "127.0.0.1") async throws {
    self.host = host
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("nats-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    process = Process()
    // The port that the system chose stands in a file that the server writes.
    try launch(port: -1)
    port = try await chosenPort()
  }

  private static let executable: URL? = ["/usr/sbin/nats-server", "/usr/bin/nats-server", "/usr/local/bin/nats-server"]
    .first { FileManager.default.isExecutableFile(atPath: $0) }.map { URL(fileURLWithPath: $0) }

  private func launch(port: Int) throws {
    guard let executable = Self.executable else { throw Failure(message: "nats-server is not installed; Scripts/setup installs it") }
    process = Process()
    process.executableURL = executable
    process.arguments = ["--addr", host, "--port", String(port), "--ports_file_dir", folder.path, "--log", folder.appendingPathComponent("log").path]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
  }

  private func chosenPort() async throws -> Int {
    for _ in 0..<400 {
      for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) where name.hasSuffix(".ports") {
        let text = (try? String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)) ?? ""
        if let digits = text.split(separator: "nats://").last?.split(separator: "\"").first?.split(separator: ":").last, let port = Int(digits) { return port }
      }
      try await Task.sleep(for: .milliseconds(25))
    }
    throw Failure(message: "nats-server did not tell its port")
  }

  /// Ends it at once, as a power failure would.
  public func stop() {
    guard process.isRunning else { return }
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// On the port that it had.
  public func restart() throws { try launch(port: port) }

  public func kill() {
    stop()
    try? FileManager.default.removeItem(at: folder)
  }
}
