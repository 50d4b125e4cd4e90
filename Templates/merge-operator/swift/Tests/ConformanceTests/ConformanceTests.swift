// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import CentramPluginTesting
import Testing

@testable import @MODULE@

@Suite struct ConformanceTests {
  /// What breaks a promise is said in words: the check, what was expected and what was seen.
  @Test func keepsThePromisesOfItsKind() async {
    let suite = MergeOperatorConformance { _ in Average() }
    #expect(await suite.failures() == [])
  }

  /// The suite cannot know what the method is to compute; a test of your own can.
  @Test func averagesByWeight() throws {
    let weights = Parameters(perInput: [["weight": .number(3)], ["weight": .number(1)]])
    #expect(try OperatorHarness.merge(Average(), [[1, 2], [5, 10]], shape: [2], parameters: weights) == [2, 4])
  }
}
