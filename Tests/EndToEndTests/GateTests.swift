import Testing

@Suite struct GateTests {
  @Test func serveRefusesAnIncompleteGateBeyondLoopback() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(#"{"gate": {"disable": ["gate.norms"]}}"#, as: "c.json")
    let result = try Binary.run("serve", "--listen", "tcp://192.0.2.1:9741", "--config", file)
    #expect(result.status == 65)
    #expect(result.errors.contains("gate incomplete: gate.norms switched off") && result.errors.contains("gate.allowIncomplete"))
  }
}
