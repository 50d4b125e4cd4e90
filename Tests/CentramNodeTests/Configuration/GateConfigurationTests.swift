import Foundation
import Testing

@testable import CentramNode

@Suite struct GateConfigurationTests {
  private func settings(_ text: String) throws(MergeError) -> GateSettings { try NodeConfiguration(json: Data(text.utf8), name: "c.json").gate }

  @Test func readsTheSection() throws {
    let gate = try settings(
      #"{"gate": {"disable": ["gate.norms"], "allowIncomplete": true, "policy": {"gate.format": {"rank_limit": 16}}}, "plugins": {"versions": {"gate.norms": "^1.0"}}}"#)
    #expect(gate.disabled == ["gate.norms"] && gate.allowsIncomplete && gate.policies == ["gate.format": #"{"rank_limit":16}"#])
    #expect(gate.versions["gate.norms"]?.description == "^1.0")
    #expect(gate.warning == "gate incomplete: gate.norms switched off")
    #expect(try settings("{}").warning == nil)
  }

  @Test(arguments: [
    (#"{"gate": {"disabled": []}}"#, "gate.disabled"), (#"{"gate": {"disable": "x"}}"#, "gate.disable"), (#"{"gate": {"policy": {"gate.format": 1}}}"#, "gate.policy.gate.format"),
    (#"{"gate": {"allowIncomplete": 1.5}}"#, "gate.allowIncomplete"), (#"{"gate": []}"#, "gate"),
  ]) func namesTheKeyThatIsWrong(text: String, key: String) throws {
    let error = #expect(throws: MergeError.self) { _ = try settings(text) }
    #expect(error?.message.contains(key) == true)
  }
}
