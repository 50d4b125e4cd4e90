import CentramHost
import CentramPluginAPI
import Testing

@Suite struct CGateTests {
  private static let host = Result { try Workshop.host(fixture: "gate", id: "test.gate.policy", kind: .gateLayer) }

  private func judge(_ policy: String, direction: GateDirection = .inbound, hash: [UInt8] = Array(0..<32)) async throws -> Verdict {
    let layer = try Self.host.get().gateLayer("test.gate.policy")
    let weights = UnsafeMutableRawBufferPointer.allocate(byteCount: 5, alignment: 8)
    defer { weights.deallocate() }
    let candidate = GenomeCandidate(
      direction: direction, contentHash: hash, manifest: [1, 2, 3], manifestSignature: [UInt8](repeating: 9, count: 64),
      adapterConfiguration: [], weights: UnsafeRawBufferPointer(weights), policyJSON: policy)
    return try await layer.judge(candidate)
  }

  @Test func standsWhereItsTableSays() throws {
    let info = try Self.host.get().gateLayer("policy").info
    #expect(info.position == 11 && info.directions == [.inbound, .outbound])
  }

  @Test func seesTheCandidateAndGivesEvidence() async throws {
    let verdict = try await judge("accept", direction: .outbound)
    #expect(verdict == Verdict(.accept, evidence: [.init("sizes", "5 3 0 2 31 9")]))
  }

  @Test(arguments: [
    ("half", Verdict.Decision.scale(factor: 0.5, reason: "too loud")), ("wait", .quarantine(reason: "unknown parent")), ("reject", .reject(reason: "bad")),
  ])
  func givesEachVerdict(policy: String, decision: Verdict.Decision) async throws { #expect(try await judge(policy).decision == decision) }

  @Test(arguments: [
    ("nothing", "the layer decided 0 times; it must decide once"), ("accept twice", "the layer decided 2 times; it must decide once"),
    ("boost", "the layer scales by 1.5; a factor lies in (0, 1]"), ("mute", "the layer decided 3 without a reason"),
    ("strange", "the layer decided 17, which is none of 0 to 3"), ("error", "the file ends early"),
  ])
  func countsAsARefusalWhereTheLayerMisbehaves(policy: String, sentence: String) async throws {
    let error = try await #require(throws: PluginError.self) { _ = try await judge(policy) }
    #expect(error.message == sentence)
  }

  @Test func refusesAHashOfTheWrongLength() async throws {
    let error = try await #require(throws: PluginError.self) { _ = try await judge("accept", hash: [1]) }
    #expect(error.code == .shapeMismatch)
  }
}
