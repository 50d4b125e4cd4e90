// SPDX-License-Identifier: Apache-2.0

/// One named promise and how it is tried on a scene: fresh instances and what a check needs to know of them.
protocol ConformanceCheck<Scene>: Sendable {
  associatedtype Scene: Sendable
  var name: String { get }
  var body: @Sendable (Scene) async throws -> Void { get }
}

extension ConformanceCheck {
  /// Carries out checks one after the other, each on a scene of its own.
  /// - Parameters:
  ///   - exempt: checks that the caller says do not apply, with the reason.
  ///   - limit: for one check.
  static func run(
    _ checks: [Self], only names: Set<String>?, exempt: [String: String], within limit: Duration, progress: @Sendable (ConformanceProgress) -> Void,
    scene: () throws -> Scene
  ) async -> [ConformanceResult] {
    var results: [ConformanceResult] = []
    for check in checks where names?.contains(check.name) ?? true {
      progress(.began(check.name))
      let outcome: ConformanceResult.Outcome
      if let why = exempt[check.name] { outcome = .skipped(why) } else { outcome = await check.outcome(within: limit, scene) }
      results.append(ConformanceResult(check: check.name, outcome: outcome))
      progress(.ended(results[results.count - 1]))
    }
    return results
  }

  private func outcome(within limit: Duration, _ scene: () throws -> Scene) async -> ConformanceResult.Outcome {
    do {
      let scene = try scene(), body = body
      try await promptly("the check to end", within: limit) { try await body(scene) }
      return .passed
    } catch let finding as Finding {
      return finding.outcome
    } catch {
      return .failed(expected: "no error", seen: "this was thrown: \(error)")
    }
  }
}
