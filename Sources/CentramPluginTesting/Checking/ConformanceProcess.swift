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
  /// - Throws: why the plugin was not loaded, a check that there is not, or that the command did not start.
  public func run(_ request: ConformanceRequest, progress: (ConformanceResult) -> Void = { _ in }) throws(HostError) -> [ConformanceResult] {
    var left: [String]?, results: [ConformanceResult] = []
    repeat {
      var part = request
      part.only = left ?? request.only
      let found = try once(part, progress)
      results += found.results
      guard let checks = left ?? found.checks else { break }
      left = checks.filter { name in !found.results.contains { $0.check == name } }
    } while left?.isEmpty == false && !results.isEmpty
    return results
  }

  /// One process.
  /// - Returns: the checks that it was about to do, where it came so far, and what it found; its own end before time is a finding of the
  ///   check that it was in.
  private func once(
    _ request: ConformanceRequest, _ progress: (ConformanceResult) -> Void
  ) throws(HostError) -> (checks: [String]?, results: [ConformanceResult]) {
    guard let executable = command.first else { throw HostError(.invalid, "the command that runs a suite is empty") }
    let child = Process(), output = Pipe()
    child.executableURL = URL(fileURLWithPath: executable)
    child.arguments = command.dropFirst() + [(try? String(decoding: JSONEncoder().encode(request), as: UTF8.self)) ?? ""]
    (child.standardOutput, child.standardError, child.standardInput) = (output, FileHandle.nullDevice, FileHandle.nullDevice)
    do { try child.run() } catch { throw HostError(.inputOutput, "\(executable) does not start: \(error.localizedDescription)") }
    var lines = LineReader(descriptor: output.fileHandleForReading.fileDescriptor, patience: patience)
    var results: [ConformanceResult] = [], checks: [String]?, current: String?, refusal: String?, hasEnded = false
    while !hasEnded, refusal == nil, let text = lines.next() {
      guard let line = try? JSONDecoder().decode(ConformanceLine.self, from: Data(text)) else { continue }
      switch line {
      case .loaded(_, let names): checks = names
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
    guard !hasEnded else { return (checks, results) }
    let left = checks?.first { name in !results.contains { $0.check == name } }
    let place = current.map { "in check \($0)" } ?? (checks == nil ? "while it was loaded" : "between two checks")
    let seen: String
    if lines.isOutOfPatience {
      seen = "it hung \(place), for \(patience)"
    } else if child.terminationReason == .exit {
      seen = "it ended with status \(child.terminationStatus) \(place)"
    } else {
      seen = "it crashed with signal \(child.terminationStatus) \(place)"
    }
    let end = ConformanceResult(check: current ?? left ?? "load", outcome: .failed(expected: "the plugin's process to live", seen: seen))
    progress(end)
    return (checks, results + [end])
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
