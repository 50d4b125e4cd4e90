import CentramHost
import CentramPluginAPI
import Synchronization
import Testing

/// What the C lane's suites hold in process holds in a process of the plugin's own.
@Suite struct IsolatedLanesTests {
  private static let merging = Result { try Isolated.host(fixture: "merge", id: "test.merge.center", kind: .mergeOperator) }
  private func center(_ configuration: String = "{}") throws -> any MergeOperator {
    try Self.merging.get().mergeOperator("test.merge.center", configurationJSON: configuration)
  }

  @Test func runsInAProcessOfItsOwnAndSaysSo() throws {
    let host = try Self.merging.get()
    _ = try center()
    let record = try #require(host.snapshot().records.first)
    let health = try #require(record.health)
    #expect(record.placement == .isolated && record.state == .running)
    #expect(health.state == .running && health.pid != nil && health.residentBytes > 0 && health.layers.contains("seccomp"))
    #expect(record.checks.allSatisfy { if case .failed = $0.outcome { false } else { true } })
  }

  @Test func saysWhatTheTableSays() throws {
    let info = try center().info, own = try Workshop.host(fixture: "merge", id: "test.merge.center", kind: .mergeOperator).mergeOperator("center").info
    #expect(info.needs == own.needs && info.inputs == own.inputs && info.parameters == own.parameters)
  }

  @Test func foldsAndWritesThroughTheHostsBlocks() throws {
    let shared: [String: ParameterValue] = ["shift": .number(2), "double": .boolean(true)]
    #expect(try center().merged(LendingDriver([[1, 2, 3], [3, 6, 9]]), weights: [1, 0], shared: shared) == [3, 4, 5])
  }

  @Test(arguments: [(1, 1), (2, 3), (7, 2), (64, 8)])
  func givesTheSameBitsForAnyBlocks(blockSize: Int, stripes: Int) throws {
    let a = (0..<101).map { Float($0) / 4 }, b = (0..<101).map { Float(100 - $0) / 8 }
    let whole = try center().merged(LendingDriver([a, b], stripes: stripes))
    #expect(try center().merged(LendingDriver([a, b], blockSize: blockSize, stripes: stripes)) == whole)
  }

  @Test func asksTheCallersMasks() throws {
    struct Odd: MaskProvider {
      func fill(_ mask: UnsafeMutableBufferPointer<UInt8>, tensor: String, model: String, offset: Int) -> Bool {
        for index in mask.indices { mask[index] = UInt8((offset + index) % 2) }
        return true
      }
    }
    let driver = LendingDriver([[1, 2, 3, 4]], blockSize: 3)
    let merging = try #require(try center() as? any TensorMerging)
    try merging.merge(.vector(driver, shared: ["mode": .string("mask"), "shift": .number(2.5)], masks: Odd()))
    #expect(driver.result == [0, 2, 0, 4])
  }

  @Test(arguments: [
    ("refuse", PluginError(.unsupported, "mode refuse was asked for")), ("silent", PluginError(.shapeMismatch, "merge returned 2 and gave no reason")),
    ("granularity", PluginError(.invalid, "granularity 9 is none of 0, 1 and 2")), ("fail", PluginError(.limitExceeded, "merge returned 7 and gave no reason")),
  ])
  func throwsThePluginsSentenceAndCode(mode: String, expected: PluginError) throws {
    let error = try #require(throws: PluginError.self) { _ = try center().merged(LendingDriver([[1]]), shared: ["mode": .string(mode)]) }
    #expect(error == expected)
    // None of these is a fault: the process goes on.
    #expect(try Self.merging.get().snapshot().records.first?.health?.restarts == 0)
  }

  @Test func refusesAConfigurationThatThePluginRefuses() throws {
    let error = try #require(throws: HostError.self) { _ = try center(#"{"refuse":true}"#) }
    #expect(error.code.rawValue == "instance" && error.cause?.message == "the configuration says refuse")
  }

  @Test func aPluginReadsTheHostsClockAndRandomnessAndLogsUnderItsName() throws {
    struct Fixed: ClockService, RandomService {
      var unixMilliseconds: Int64 { 1234 }
      var monotonicNanoseconds: UInt64 { 5678 }
      func fill(_ bytes: UnsafeMutableRawBufferPointer) { for index in bytes.indices { bytes[index] = 42 } }
    }
    let log = LogCollector()
    let services = DefaultHostServices(services: ["centram.clock/1": Fixed(), "centram.random/1": Fixed()], log: log.services.log)
    let host = try Isolated.host(fixture: "merge", id: "test.merge.center", kind: .mergeOperator, services: services)
    try host.load(id: "test.merge.center")
    _ = try host.mergeOperator("center")
    #expect(log.all == ["info test.merge.center: milliseconds 1234, nanoseconds 5678, byte 42"])
  }

  @Test(arguments: ["half", "reject", "accept", "twice", "boost", "error"])
  func aGateLayerJudgesAsInProcess(policy: String) async throws {
    let weights = UnsafeMutableRawBufferPointer.allocate(byteCount: 5, alignment: 8)
    defer { weights.deallocate() }
    let candidate = GenomeCandidate(
      direction: .outbound, contentHash: Array(0..<32), manifest: [1, 2, 3], manifestSignature: [UInt8](repeating: 9, count: 64), adapterConfiguration: [],
      weights: UnsafeRawBufferPointer(weights), policyJSON: policy)
    let isolated = try Isolated.host(fixture: "gate", id: "test.gate.policy", kind: .gateLayer).gateLayer("policy")
    let own = try Workshop.host(fixture: "gate", id: "test.gate.policy", kind: .gateLayer).gateLayer("policy")
    #expect(isolated.info.position == 11 && isolated.info.directions == [.inbound, .outbound])
    let found = await Self.outcome { () async throws(PluginError) in try await isolated.judge(candidate) }
    let expected = await Self.outcome { () async throws(PluginError) in try await own.judge(candidate) }
    #expect(found == expected)
  }

  private static func outcome<Value: Sendable>(_ body: () async throws(PluginError) -> Value) async -> Result<Value, PluginError> {
    do throws(PluginError) { return .success(try await body()) } catch { return .failure(error) }
  }

  @Test func anEconomyRuleReadsTheViewAndEmitsInOrder() throws {
    struct View: LedgerView {
      func owner(ofGenome id: String) -> String? { id == "p1" ? "ann" : id == "p2" ? "bob" : nil }
      func generation(ofGenome id: String) -> Int? { id == "child" ? 1 : nil }
      func parents(ofGenome id: String) -> [LineageEntry.Parent] { id == "child" ? [.init(id: "p1", basisPoints: 7000), .init(id: "p2", basisPoints: 3000)] : [] }
      func balance(ofAccount account: String) -> Int64? { account == "payer" ? 1_000_000 : nil }
    }
    let rule = try Isolated.host(fixture: "economy", id: "test.economy.split", kind: .economyRule).economyRule("split")
    let event = EconomyEvent(type: "payment", amount: 1000, subject: "child", payer: "payer", payee: "carol", detailsJSON: #"{"note":"ü"}"#)
    #expect(
      try rule.postings(for: event, in: View()) == [
        Posting(account: "payer", microCEN: -1000, memo: #"{"note":"ü"}"#), Posting(account: "ann", microCEN: 350, memo: "p1"),
        Posting(account: "bob", microCEN: 150, memo: "p2"), Posting(account: "carol", microCEN: 500, memo: "rest"),
      ])
    let poor = EconomyEvent(type: "payment", amount: 2_000_000, subject: "child", payer: "payer", payee: "carol")
    let error = try #require(throws: PluginError.self) { _ = try rule.postings(for: poor, in: View()) }
    #expect(error == PluginError(.limitExceeded, "payer has 1000000, needs 2000000"))
  }
}
