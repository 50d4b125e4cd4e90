// SPDX-License-Identifier: Apache-2.0
internal import CentramPluginAPI

/// What to judge and how, as one process tells another.
public struct ConformanceRequest: Sendable, Equatable, Codable {
  /// A plugin's folder, or a bare library.
  public var path: String
  /// Whether the code of a plugin that no trusted publisher signed may run.
  public var runsUnsigned: Bool
  /// Which checks; nil: all.
  public var only: [String]?
  /// Checks that do not apply.
  public var skipped: [String]
  public var seed: UInt64
  /// The plugin's settings.
  public var configurationJSON: String
  /// Where a transport listens; nil: `SCHEME://127.0.0.1:0`.
  public var listenOn: String?
  /// Values of parameters, as a person writes them: `rule` → `linear`.
  public var parameters: [String: String]

  public init(
    path: String, runsUnsigned: Bool = false, only: [String]? = nil, skipped: [String] = [], seed: UInt64 = 1, configurationJSON: String = "{}",
    listenOn: String? = nil, parameters: [String: String] = [:]
  ) {
    (self.path, self.runsUnsigned, self.only, self.skipped) = (path, runsUnsigned, only, skipped)
    (self.seed, self.configurationJSON, self.listenOn, self.parameters) = (seed, configurationJSON, listenOn, parameters)
  }

  /// The values as plugins read them: numbers and `true` or `false` where the text is one.
  var values: [String: ParameterValue] {
    parameters.mapValues { text in
      if text == "true" || text == "false" { return .boolean(text == "true") }
      return Double(text).map { .number($0) } ?? .string(text)
    }
  }

  var exempt: [String: String] { Dictionary(skipped.map { ($0, "the caller says that it does not apply") }) { one, _ in one } }
}

/// One line from the process that runs a suite.
enum ConformanceLine: Equatable, Codable {
  /// It was loaded; these checks are about to run.
  case loaded(title: String, checks: [String])
  case began(String)
  case passed(String)
  case skipped(String, why: String)
  case failed(String, expected: String, seen: String)
  /// It was not loaded, or may not run.
  case refused(String)
  case ended

  init(_ progress: ConformanceProgress) {
    switch progress {
    case .began(let name): self = .began(name)
    case .ended(let result):
      switch result.outcome {
      case .passed: self = .passed(result.check)
      case .skipped(let why): self = .skipped(result.check, why: why)
      case .failed(let expected, let seen): self = .failed(result.check, expected: expected, seen: seen)
      }
    }
  }

  var result: ConformanceResult? {
    switch self {
    case .passed(let check): ConformanceResult(check: check, outcome: .passed)
    case .skipped(let check, let why): ConformanceResult(check: check, outcome: .skipped(why))
    case .failed(let check, let expected, let seen): ConformanceResult(check: check, outcome: .failed(expected: expected, seen: seen))
    case .loaded, .began, .refused, .ended: nil
    }
  }
}
