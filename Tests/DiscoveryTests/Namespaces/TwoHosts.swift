import Foundation
import Testing

/// Two hosts in network namespaces of their own with a wire between them. Nothing leaves them; they go with this value.
final class TwoHosts {
  /// Whether this system lets a test make namespaces.
  static let areAllowed: Bool = {
    guard getuid() == 0, let ip = path(of: "ip") else { return false }
    let name = "centram-probe-\(getpid())"
    guard (try? run(ip, ["netns", "add", name])) == 0 else { return false }
    _ = try? run(ip, ["netns", "del", name])
    return true
  }()

  let names: [String]
  static let addresses = ["10.77.0.1", "10.77.0.2"]

  init() throws {
    let ip = try #require(Self.path(of: "ip")), id = UInt32.random(in: 0 ... .max)
    names = ["centram-\(id)-a", "centram-\(id)-b"]
    let links = ["ca\(id % 1_000_000)", "cb\(id % 1_000_000)"]
    for name in names { try #require(Self.run(ip, ["netns", "add", name]) == 0) }
    try #require(Self.run(ip, ["link", "add", links[0], "netns", names[0], "type", "veth", "peer", "name", links[1], "netns", names[1]]) == 0)
    for index in 0..<2 {
      try #require(Self.run(ip, ["-n", names[index], "link", "set", "lo", "up"]) == 0)
      try #require(Self.run(ip, ["-n", names[index], "addr", "add", Self.addresses[index] + "/24", "broadcast", "10.77.0.255", "dev", links[index]]) == 0)
      // Without the seconds in which IPv6 makes sure that nobody else has the address.
      try #require(Self.run(ip, ["-n", names[index], "addr", "add", "fd77::\(index + 1)/64", "dev", links[index], "nodad"]) == 0)
      try #require(Self.run(ip, ["-n", names[index], "link", "set", links[index], "up", "multicast", "on"]) == 0)
    }
  }

  deinit {
    guard let ip = Self.path(of: "ip") else { return }
    for name in names { _ = try? Self.run(ip, ["netns", "del", name]) }
  }

  /// A program in one of the hosts.
  func start(_ host: Int, _ program: String, _ arguments: [String]) throws -> HostProcess {
    try HostProcess(try #require(Self.path(of: "ip")), ["netns", "exec", names[host], program] + arguments)
  }

  static func path(of program: String) -> String? {
    ["/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"].map { $0 + program }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  private static func run(_ program: String, _ arguments: [String]) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}

/// A program whose lines a test waits for. Closing its standard input asks it to end.
final class HostProcess {
  private let process = Process()
  private let input = Pipe(), output = Pipe()
  private(set) var lines: [String] = []
  private var rest: [UInt8] = []

  init(_ program: String, _ arguments: [String]) throws {
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    (process.standardInput, process.standardOutput) = (input, output)
    try process.run()
  }

  deinit {
    try? input.fileHandleForWriting.close()
    if process.isRunning { process.terminate() }
    process.waitUntilExit()
  }

  /// Reads on until a line fits, or the time or the output is over.
  func line(within seconds: Double, where fits: (String) -> Bool) -> String? {
    if let line = lines.first(where: fits) { return line }
    let end = Date().addingTimeInterval(seconds), descriptor = output.fileHandleForReading.fileDescriptor
    while true {
      var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let left = end.timeIntervalSinceNow
      guard left > 0, poll(&poller, 1, Int32(left * 1000) + 1) > 0 else { return nil }
      var bytes = [UInt8](repeating: 0, count: 4096)
      let count = read(descriptor, &bytes, bytes.count)
      guard count > 0 else { return nil }
      rest += bytes[..<count]
      while let newline = rest.firstIndex(of: 10) {
        lines.append(String(decoding: rest[..<newline], as: UTF8.self))
        rest.removeSubrange(...newline)
        if fits(lines.last!) { return lines.last }
      }
    }
  }

  func endInput() { try? input.fileHandleForWriting.close() }
  func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }
}
