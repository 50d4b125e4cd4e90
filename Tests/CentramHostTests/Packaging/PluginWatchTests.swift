import CentramHost
import CentramIsolation
import CentramPackaging
import CentramPluginAPI
import Foundation
import Synchronization
import Testing

/// What becomes of plugins that run when the operator's trust file changes, with a clock that the test turns.
@Suite struct PluginWatchTests {
  private let keys = PluginSignature.makeKeyPair()
  private let revocation = TrustPolicy.Revocation(date: "2026-11-30", reason: "its owner lost it")
  private let sentence = "was revoked on 2026-11-30: its owner lost it"

  /// A signed plugin, a trust file that trusts its publisher, and a host of both.
  private func scene(_ fixture: String, _ id: String, _ kind: PluginKind, isolated: Bool) throws -> (host: PluginHost, store: TrustStore, folder: String) {
    let folder = try Workshop.folder(), store = TrustStore(path: try Workshop.folder("trust") + "/trusted-publishers.json")
    try Workshop.plugin(Workshop.library(fixture), id: id, kind: kind, in: folder, signedBy: keys.secretKey)
    _ = try store.update { $0.publishers = [.init(name: "acme", key: keys.publicKey, ids: ["test.*"], mustIsolate: isolated)] }
    let host = PluginHost(
      configuration: HostConfiguration(folders: [folder], trust: try Self.policy(store), isolation: ProcessIsolation(Isolated.configuration())))
    host.discover()
    return (host, store, folder)
  }

  private static func policy(_ store: TrustStore) throws -> TrustPolicy {
    var policy = TrustPolicy(untrusted: .refuse)
    policy.add(try store.read())
    return policy
  }

  /// Has a host look once at what `change` made of the trust file.
  /// - Returns: what was logged.
  private func look(_ host: PluginHost, _ store: TrustStore, after change: @escaping @Sendable () async throws -> Void) async throws -> [String] {
    let lines = LogCollector(), looks = Mutex(0), failure = Mutex<(any Error)?>(nil)
    let watch = PluginWatch(
      [host], trust: { try Self.policy(store) },
      sleep: { nanoseconds in
        #expect(nanoseconds == PluginWatch.interval && nanoseconds == 60_000_000_000)
        guard looks.withLock({ $0 }) == 0 else { throw CancellationError() }
        do { try await change() } catch { failure.withLock { $0 = error } }
      }, log: { lines.services.log($0, $1) })
    await watch.run { looks.withLock { $0 += 1 } }
    #expect(looks.withLock { $0 } == 1)
    if let error = failure.withLock({ $0 }) { throw error }
    return lines.all
  }

  @Test(arguments: ["key", "library", "plugin.json"]) func theProcessOfAPluginThatIsRevokedEndsWithTheNextLook(by what: String) async throws {
    let (host, store, folder) = try scene("fault", "test.merge.fault", .mergeOperator, isolated: true), revocation = revocation, key = keys.publicKey
    let operation = try #require(try host.mergeOperator("fault") as? any TensorMerging)
    let pid = try #require(host.snapshot().records.first?.health?.pid)
    let manifest = folder + "/test.merge.fault-1.0.0/plugin.json"
    let library = try PluginManifest.decode(Array(Data(contentsOf: URL(fileURLWithPath: manifest)))).sha256, manifestHash = try SHA256.hex(ofFile: manifest)

    // A merge that would go on for ever, and says when the plugin has asked for its first block.
    let (begun, begin) = AsyncStream.makeStream(of: Void.self)
    let driver = TellingDriver(LendingDriver([[1, 2, 3, 4]], blockSize: 2)) { begin.yield() }
    let merging = Task { () -> PluginError? in
      await withCheckedContinuation { continuation in
        Thread.detachNewThread {
          let shared: [String: ParameterValue] = ["mode": .string("sleep"), "place": .string("block")]
          let request = MergeRequest(
            tensor: "t", shape: [4], models: ["a"], baseIndex: nil, parameters: Parameters(shared: shared, perInput: []), seed: 0, masks: nil, driver: driver)
          do throws(PluginError) {
            try operation.merge(request)
            continuation.resume(returning: nil)
          } catch { continuation.resume(returning: error) }
        }
      }
    }
    let lines = try await look(host, store) {
      for await _ in begun { break }
      try store.update { (file) throws(HostError) in
        switch what {
        case "key": file.revoke(key: key, revocation)
        case "library": try file.revoke(hash: library, revocation)
        default: try file.revoke(hash: manifestHash, revocation)
        }
      }
    }
    let underWay = try #require(await merging.value)
    #expect(underWay.code == .unavailable && underWay.message.contains("was ended") && underWay.message.contains(sentence), "\(underWay)")
    #expect(kill(pid, 0) == -1 && errno == ESRCH)
    // Who asks again, with the instance or for a new one, reads the same.
    let later = try #require(throws: PluginError.self) { _ = try operation.merged(LendingDriver([[1, 2]])) }
    #expect(later.code == .unavailable && later.message.contains(sentence), "\(later)")
    let refused = try #require(throws: HostError.self) { _ = try host.mergeOperator("fault") }
    #expect(refused.message.contains(sentence), "\(refused)")
    let record = try #require(host.snapshot().records.first { $0.version != nil })
    #expect(record.state == .stopped && record.reason?.contains(sentence) == true && record.health?.state == .stopped && record.health?.pid == nil)
    #expect(record.health?.restarts == 0)
    #expect(lines.count == 1 && lines[0].contains("test.merge.fault 1.0.0 is stopped: ") && lines[0].contains(sentence), "\(lines)")

    // A revocation that was taken back lets it go on, in a new process.
    _ = try await look(host, store) { _ = try store.update { ($0.revokedKeys, $0.revokedHashes) = ([:], [:]) } }
    #expect(try operation.merged(LendingDriver([[1, 2]])) == [2, 4])
    #expect(host.snapshot().records.first?.health?.state == .running)
  }

  @Test func anIsolatedTransportsConnectionsEndWithIt() async throws {
    let (host, store, _) = try scene("transport", "test.transport.memory", .transport, isolated: true), revocation = revocation, key = keys.publicKey
    let transport = try host.transport("memory")
    let listener = try await transport.listen(on: "memory://\(UUID().uuidString)")
    let waiting = Task { () -> PluginError? in
      do throws(PluginError) {
        _ = try await listener.accept()
        return nil
      } catch { return error }
    }
    _ = try await look(host, store) { _ = try store.update { $0.revoke(key: key, revocation) } }
    let error = try #require(await waiting.value)
    #expect(error.code == .unavailable && error.message.contains(sentence), "\(error)")
    let again = try await #require(throws: PluginError.self) { _ = try await transport.listen(on: "memory://x") }
    #expect(again.code == .unavailable && again.message.contains(sentence), "\(again)")
  }

  @Test func whatRunsInProcessRefusesNewUsesOfTheInstancesThatThereAre() async throws {
    let revocation = revocation, key = keys.publicKey
    let (gates, gateStore, _) = try scene("gate", "test.gate.policy", .gateLayer, isolated: false)
    let (rules, ruleStore, _) = try scene("economy", "test.economy.split", .economyRule, isolated: false)
    let (transports, transportStore, _) = try scene("transport", "test.transport.memory", .transport, isolated: false)
    let layer = try gates.gateLayer("policy"), rule = try rules.economyRule("split"), transport = try transports.transport("memory")
    let candidate = GenomeCandidate(
      direction: .inbound, contentHash: Array(0..<32), manifest: [1], manifestSignature: [UInt8](repeating: 9, count: 64), adapterConfiguration: [],
      weights: UnsafeRawBufferPointer(start: nil, count: 0), policyJSON: "accept")
    let event = EconomyEvent(type: "fee", amount: 1, subject: "", payer: "", payee: "")
    #expect(try await layer.judge(candidate).decision == .accept)
    #expect(throws: PluginError(.unsupported, "no rule for fee")) { _ = try rule.postings(for: event, in: EmptyLedger()) }
    _ = try await transport.listen(on: "memory://\(UUID().uuidString)")
    for (host, store) in [(gates, gateStore), (rules, ruleStore), (transports, transportStore)] {
      let lines = try await look(host, store) { _ = try store.update { $0.revoke(key: key, revocation) } }
      #expect(lines.count == 1 && lines[0].contains(sentence), "\(lines)")
      #expect(host.snapshot().records.first { $0.version != nil }?.state == .stopped)
    }
    let judged = try await #require(throws: PluginError.self) { _ = try await layer.judge(candidate) }
    let posted = try #require(throws: PluginError.self) { _ = try rule.postings(for: event, in: EmptyLedger()) }
    let dialled = try await #require(throws: PluginError.self) { _ = try await transport.dial("memory://x", expecting: nil) }
    let listened = try await #require(throws: PluginError.self) { _ = try await transport.listen(on: "memory://x") }
    for error in [judged, posted, dialled, listened] { #expect(error.code == .unavailable && error.message.contains(sentence), "\(error)") }
  }

  /// Who reinstalls makes a new key, and a node that runs must not stop judging for it.
  @Test func whatIsOnlyTrustedNoMoreGoesOnWithTheInstancesThatThereAre() async throws {
    let (host, store, _) = try scene("gate", "test.gate.policy", .gateLayer, isolated: false)
    let layer = try host.gateLayer("policy")
    let lines = try await look(host, store) { _ = try store.update { $0.publishers = [] } }
    #expect(lines.count == 1 && lines[0].contains("is not the signature of a trusted publisher"), "\(lines)")
    #expect(throws: HostError.self) { _ = try host.gateLayer("policy") }
    let candidate = GenomeCandidate(
      direction: .inbound, contentHash: Array(0..<32), manifest: [1], manifestSignature: [UInt8](repeating: 9, count: 64), adapterConfiguration: [],
      weights: UnsafeRawBufferPointer(start: nil, count: 0), policyJSON: "accept")
    #expect(try await layer.judge(candidate).decision == .accept)
  }

  @Test func aTrustFileThatIsDamagedLeavesEverythingAsItWas() async throws {
    let (host, store, _) = try scene("merge", "test.merge.center", .mergeOperator, isolated: true)
    _ = try host.mergeOperator("center")
    let lines = try await look(host, store) { try Data("{".utf8).write(to: URL(fileURLWithPath: store.path)) }
    #expect(lines.count == 1 && lines[0].hasPrefix("error") && lines[0].contains("whom this node trusts stays as it was"), "\(lines)")
    _ = try host.mergeOperator("center")
    #expect(host.snapshot().records.first?.health?.state == .running)
  }
}

/// Says when a pass begins.
private final class TellingDriver: MergeDriver {
  private let base: LendingDriver
  private let tell: @Sendable () -> Void
  init(_ base: LendingDriver, _ tell: @escaping @Sendable () -> Void) { (self.base, self.tell) = (base, tell) }

  func stripeCount(_ granularity: BlockGranularity) -> Int { base.stripeCount(granularity) }
  func run(
    _ granularity: BlockGranularity, inputs: [Int]?, writingOutput: Bool, _ body: @Sendable (Int, MergeBlock) throws(PluginError) -> Void
  ) throws(PluginError) {
    tell()
    try base.run(granularity, inputs: inputs, writingOutput: writingOutput, body)
  }
}

private struct EmptyLedger: LedgerView {
  func owner(ofGenome id: String) -> String? { nil }
  func generation(ofGenome id: String) -> Int? { nil }
  func parents(ofGenome id: String) -> [LineageEntry.Parent] { [] }
  func balance(ofAccount account: String) -> Int64? { nil }
}
