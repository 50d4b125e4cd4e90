// SPDX-License-Identifier: Apache-2.0
public import CentramHost
internal import Foundation

/// What `plugin check` finds: how far the checks that only read came, and, where the plugin's code may run, its suite.
public struct PluginCheckReport: Sendable {
  public let record: PluginRecord
  /// Of the suite; empty where it was not run.
  public let results: [ConformanceResult]
  /// Why the suite was not run; nil where it was.
  public let whyNotRun: String?

  /// - Parameters:
  ///   - record: after the checks that only read.
  ///   - request: nil: no suite is wanted.
  ///   - progress: told of each result as it comes.
  /// - Throws: why the plugin was not loaded after all, or a check that there is not.
  public init(
    _ record: PluginRecord, request: ConformanceRequest?, process: ConformanceProcess, progress: (ConformanceResult) -> Void = { _ in }
  ) throws(HostError) {
    self.record = record
    if let why = Self.reason(against: record, request) {
      (results, whyNotRun) = ([], why)
    } else {
      guard let request else { preconditionFailure("without a request there is a reason not to run the suite") }
      (results, whyNotRun) = (try process.run(request, progress: progress), nil)
    }
  }

  private static func reason(against record: PluginRecord, _ request: ConformanceRequest?) -> String? {
    if case .failed = record.state { return "the plugin is refused" }
    guard let request else { return "it was not asked for" }
    // Only its descriptor knows a bare library's kind, and that is in the library.
    if record.version != nil, PluginConformance.checkNames(record.kind) == nil { return "there is no suite for the kind \(record.kind)" }
    if record.publisher == nil, !request.runsUnsigned {
      return "no trusted publisher signed the plugin; --run runs its code, in a process of its own"
    }
    return nil
  }

  /// Why the plugin did not pass; nil where it did.
  public var failure: String? {
    if case .failed(let reason) = record.state { return "\(record.title) is refused: \(reason)" }
    let failed = results.filter(\.failed).map(\.check)
    return failed.isEmpty ? nil : "\(record.title) breaks \(failed.count) of \(results.count) promises: \(failed.joined(separator: ", "))"
  }

  /// A result for people, in the columns of the checks before it.
  public static func line(_ result: ConformanceResult) -> String {
    switch result.outcome {
    case .passed: "ok       \(result.check)"
    case .skipped(let why): "skipped  \(result.check): \(why)"
    case .failed(let expected, let seen): "FAILED   \(result.check): expected \(expected), but \(seen)"
    }
  }

  /// The checks of a bare library whose code may run, wherever it lies; nil for a plugin's folder.
  public static func check(library path: String, trust: TrustPolicy, upTo last: PluginCheck) -> PluginRecord? {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue else { return nil }
    // A host takes bare libraries from its own folder alone.
    let folder = URL(fileURLWithPath: path).resolvingSymlinksInPath().deletingLastPathComponent().path
    return PluginHost(configuration: HostConfiguration(executableFolder: folder, trust: trust)).check(path, upTo: last)
  }
}
