// SPDX-License-Identifier: Apache-2.0

/// What one check of a conformance suite found.
public struct ConformanceResult: Sendable, Equatable, CustomStringConvertible {
  public enum Outcome: Sendable, Equatable {
    case passed
    /// Does not apply; the text says why.
    case skipped(String)
    case failed(expected: String, seen: String)
  }

  /// The check's name, such as `half-close`.
  public let check: String
  public let outcome: Outcome

  public init(check: String, outcome: Outcome) { (self.check, self.outcome) = (check, outcome) }

  public var failed: Bool { if case .failed = outcome { true } else { false } }

  public var description: String {
    switch outcome {
    case .passed: "\(check): passed"
    case .skipped(let why): "\(check): skipped, \(why)"
    case .failed(let expected, let seen): "\(check): expected \(expected), but \(seen)"
    }
  }
}

/// Judges a plugin by what the protocol of its kind promises, check by check.
public protocol ConformanceSuite: Sendable {
  /// All checks, in the order in which `run` does them.
  static var checkNames: [String] { get }
  /// - Parameters:
  ///   - names: which checks; nil: all.
  ///   - progress: told of each check before it begins and after it ended.
  func run(only names: Set<String>?, progress: @Sendable (ConformanceProgress) -> Void) async -> [ConformanceResult]
}

/// Where a suite is.
public enum ConformanceProgress: Sendable, Equatable {
  case began(String)
  case ended(ConformanceResult)
}

extension ConformanceSuite {
  /// - Parameter names: which checks; nil: all.
  public func run(only names: Set<String>? = nil) async -> [ConformanceResult] { await run(only: names) { _ in } }

  /// The checks that failed; empty is what a plugin should give.
  public func failures(only names: Set<String>? = nil) async -> [ConformanceResult] { await run(only: names).filter(\.failed) }
}
