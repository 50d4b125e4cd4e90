import Foundation
import TestNetwork

extension RouterNetwork {
  func start(_ host: Host, _ program: String, _ arguments: [String]) throws -> RoutedProcess {
    let command = command(host) + [program] + arguments
    return try RoutedProcess(command[0], Array(command.dropFirst()))
  }
}

/// A program whose lines a test waits for. Closing its standard input asks it to end.
final class RoutedProcess {
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

  func tell(_ line: String) { try? input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8)) }

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
      var found: String?
      while let newline = rest.firstIndex(of: 10) {
        lines.append(String(decoding: rest[..<newline], as: UTF8.self))
        rest.removeSubrange(...newline)
        if found == nil, fits(lines.last!) { found = lines.last }
      }
      if let found { return found }
    }
  }
}
