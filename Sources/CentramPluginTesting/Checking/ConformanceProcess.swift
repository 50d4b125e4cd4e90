// SPDX-License-Identifier: Apache-2.0
public import CentramHost
internal import Foundation

/// Runs a plugin's suite in a process of its own: a plugin that crashes or hangs is a finding in the check at which it did, and the
/// checks after it run in another process.
public struct ConformanceProcess: Sendable {
  /// The command whose end is the request: `[executable, "plugin", "conform"]`. It calls `ConformanceChild`.
  public var command: [String]
  /// How long one check may be silent. More than any suite's own limit for a check.
  public var patience: Duration = .seconds(180)

  public init(command: [String]) { self.command = command }

  /// - Parameter progress: told of each result as it comes.
  /// - Throws: why the plugin was not loaded, or the command did not start.
  public func run(_ request: ConformanceRequest, checks: [String], progress: (ConformanceResult) -> Void = { _ in }) throws(HostError) -> [ConformanceResult] {
    var left = checks.filter { request.only?.contains($0) ?? true }, results: [ConformanceResult] = []
    while !left.isEmpty {
      var part = request
      part.only = left
      let (found, end) = try once(part) { progress($0) }
      results += found
      left.removeAll { name in found.contains { $0.check == name } }
      guard let (check, seen) = end else { break }
      let crash = ConformanceResult(check: check ?? left.first ?? "load", outcome: .failed(expected: "the plugin's process to live", seen: seen))
      results.append(crash)
      progress(crash)
      left.removeAll { $0 == crash.check }
      if check == nil { break }
    }
    return results
  }

  /// One process.
  /// - Returns: the results that it gave, and where it did not come to its end, the check that it was in and what happened.
  private func once(
    _ request: ConformanceRequest, _ progress: (ConformanceResult) -> Void
  ) throws(HostError) -> (results: [ConformanceResult], end: (check: String?, seen: String)?) {
    guard let executable = command.first else { throw HostError(.invalid, "the command that runs a suite is empty") }
    let child = Process(), output = Pipe()
    child.executableURL = URL(fileURLWithPath: executable)
    child.arguments = command.dropFirst() + [(try? String(decoding: JSONEncoder().encode(request), as: UTF8.self)) ?? ""]
    (child.standardOutput, child.standardError, child.standardInput) = (output, FileHandle.nullDevice, FileHandle.nullDevice)
    do { try child.run() } catch { throw HostError(.inputOutput, "\(executable) does not start: \(error.localizedDescription)") }
    var lines = LineReader(descriptor: output.fileHandleForReading.fileDescriptor, patience: patience)
    var results: [ConformanceResult] = [], current: String?, refusal: String?, hasEnded = false
    while !hasEnded, refusal == nil, let text = lines.next() {
      guard let line = try? JSONDecoder().decode(ConformanceLine.self, from: Data(text)) else { continue }
      switch line {
      case .began(let name): current = name
      case .refused(let why): refusal = why
      case .ended: hasEnded = true
      default: break
      }
      guard let result = line.result else { continue }
      results.append(result)
      progress(result)
      current = nil
    }
    // It has nothing more to say. Not to be ignored, without effect on one that is ending, and on nobody else: nobody has waited for it yet.
    kill(child.processIdentifier, SIGKILL)
    child.waitUntilExit()
    if let refusal { throw HostError(.invalid, refusal) }
    if hasEnded { return (results, nil) }
    let place = current.map { " in check \($0)" } ?? (results.isEmpty ? " while it was loaded" : " between two checks")
    if lines.isOutOfPatience { return (results, (current, "it hung\(place) for \(patience)")) }
    guard child.terminationReason == .exit else { return (results, (current, "it crashed with signal \(child.terminationStatus)\(place)")) }
    return (results, (current, "it ended with status \(child.terminationStatus)\(place)"))
  }
}

/// Lines from a descriptor, with a limit to how long one is waited for.
private struct LineReader {
  let descriptor: Int32, patience: Duration
  private var rest: [UInt8] = []
  private(set) var isOutOfPatience = false
  init(descriptor: Int32, patience: Duration) { (self.descriptor, self.patience) = (descriptor, patience) }

  /// The next line; nil at the end.
  mutating func next() -> [UInt8]? {
    while true {
      if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
        defer { rest.removeSubrange(...end) }
        return Array(rest[..<end])
      }
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let milliseconds = Int32(clamping: patience.components.seconds * 1000 + patience.components.attoseconds / 1_000_000_000_000_000)
      let ready = poll(&waiting, 1, milliseconds)
      if ready < 0, errno == EINTR { continue }
      guard ready > 0 else {
        isOutOfPatience = true
        return nil
      }
      var buffer = [UInt8](repeating: 0, count: 4096)
      let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
      // A line that never ends is nobody's.
      guard count > 0, rest.count < 1 << 20 else { return nil }
      rest += buffer[..<count]
    }
  }
}
