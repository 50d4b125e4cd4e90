// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import CentramPluginTesting
import Testing

@testable import @MODULE@

@Suite struct ConformanceTests {
  /// What breaks a promise is said in words: the check, what was expected and what was seen.
  @Test func keepsThePromisesOfItsKind() async {
    let suite = TransportConformance(listenOn: "loop://here:0") { (environment) throws(PluginError) in try Loop(environment) }
    #expect(await suite.failures() == [])
  }

  @Test(arguments: ["", "loop://", "loop://here", "loop://here:65536", "tcp://here:1"]) func refusesWhatIsNoAddress(_ text: String) {
    #expect(throws: PluginError.self) { _ = try Address(text) }
  }
}
