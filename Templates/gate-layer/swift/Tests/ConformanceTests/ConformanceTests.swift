// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import CentramPluginTesting
import Testing

@testable import @MODULE@

@Suite struct ConformanceTests {
  /// What breaks a promise is said in words: the check, what was expected and what was seen.
  @Test func keepsThePromisesOfItsKind() async {
    var options = GateLayerConformance.Options()
    options.expectsAcceptance = true
    let suite = GateLayerConformance(options: options) { _ in SizeLimit() }
    #expect(await suite.failures() == [])
  }

  /// The suite cannot know what the layer is to refuse; a test of your own can.
  @Test(arguments: [(4, true), (3, false)]) func refusesAboveItsLimit(limit: Int, isAccepted: Bool) async throws {
    let weights = UnsafeMutableRawBufferPointer.allocate(byteCount: 4, alignment: 8)
    defer { weights.deallocate() }
    let candidate = GenomeCandidate(
      direction: .inbound, contentHash: [UInt8](repeating: 0, count: 32), manifest: [], manifestSignature: [UInt8](repeating: 0, count: 64),
      adapterConfiguration: [], weights: UnsafeRawBufferPointer(weights), policyJSON: #"{"maximum_bytes":\#(limit)}"#)
    let verdict = try await SizeLimit().judge(candidate)
    #expect((verdict.decision == .accept) == isAccepted)
  }
}
