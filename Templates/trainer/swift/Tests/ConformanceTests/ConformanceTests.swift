// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import CentramPluginTesting
import Testing

@testable import @MODULE@

@Suite struct ConformanceTests {
  /// What breaks a promise is said in words: the check, what was expected and what was seen.
  @Test func keepsThePromisesOfItsKind() async {
    let suite = TrainerConformance { _ in Descent() }
    #expect(await suite.failures() == [])
  }
}
