// SPDX-License-Identifier: Apache-2.0
public import CentramHost
internal import Foundation
internal import Synchronization

/// The side of `ConformanceProcess` that runs a plugin's code: an executable calls it and does nothing else.
public enum ConformanceChild {
  /// `run`, and the end of the process: a check that was given up on may still be running.
  public static func main(_ json: String, trust: TrustPolicy) -> Never {
    Task.detached { exit(await run(json, trust: trust)) }
    dispatchMain()
  }

  /// Runs the suite that a request asks for and writes a line for each check to standard output as it was when this was called. What the
  /// plugin itself prints goes to standard error.
  /// - Parameters:
  ///   - json: a `ConformanceRequest`.
  ///   - trust: whose plugins are let in.
  /// - Returns: the process's exit status.
  static func run(_ json: String, trust: TrustPolicy) async -> Int32 {
    let output = Output()
    do {
      let request = try JSONDecoder().decode(ConformanceRequest.self, from: Data(json.utf8))
      let conformance = try PluginConformance(request, trust: trust)
      output.write(.loaded(title: conformance.record.title, checks: conformance.checks))
      _ = await conformance.suite.run(only: request.only.map(Set.init)) { output.write(ConformanceLine($0)) }
      output.write(.ended)
      return 0
    } catch {
      output.write(.refused((error as? HostError)?.message ?? "the request cannot be read: \(error)"))
      return 1
    }
  }

  /// Standard output, kept for lines alone.
  private final class Output: Sendable {
    private let descriptor: Int32
    init() {
      descriptor = dup(STDOUT_FILENO)
      dup2(STDERR_FILENO, STDOUT_FILENO)
    }

    func write(_ line: ConformanceLine) {
      guard var bytes = try? JSONEncoder().encode(line) else { return }
      bytes.append(UInt8(ascii: "\n"))
      var rest = [UInt8](bytes)[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
      }
    }
  }
}
