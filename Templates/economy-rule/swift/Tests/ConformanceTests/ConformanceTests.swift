// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import CentramPluginTesting
import Testing

@testable import @MODULE@

@Suite struct ConformanceTests {
  /// What breaks a promise is said in words: the check, what was expected and what was seen.
  @Test func keepsThePromisesOfItsKind() async {
    let suite = EconomyRuleConformance { (environment) throws(PluginError) in try FlatFee(configurationJSON: environment.configurationJSON) }
    #expect(await suite.failures() == [])
  }

  @Test func refusesSettingsThatItDoesNotKnow() {
    #expect(throws: PluginError.self) { _ = try FlatFee(configurationJSON: #"{"fees":1}"#) }
  }
}
