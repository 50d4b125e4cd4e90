import CentramGenome
import CentramHost
import CentramNode
import CentramPluginAPI
import GateCorpus
import LinkedGate
import Synchronization
import Testing

/// A layer that says what a test wants.
struct Scripted: GateLayer {
  var info: GateLayerInfo
  var answer: @Sendable (GenomeCandidate) throws(PluginError) -> Verdict
  init(_ position: Int, _ directions: Set<GateDirection> = [.inbound], _ answer: @escaping @Sendable (GenomeCandidate) throws(PluginError) -> Verdict) {
    (info, self.answer) = (GateLayerInfo(position: position, directions: directions), answer)
  }
  func judge(_ candidate: GenomeCandidate) async throws(PluginError) -> Verdict { try answer(candidate) }
}

/// Layers by id and version.
struct ScriptedSource: GateLayerSource {
  var layers: [(id: String, version: String, layer: any GateLayer)] = []
  var layerIds: [String] { Set(layers.map(\.id)).sorted() }
  func layer(_ id: String, in range: VersionRange) throws(GateError) -> LoadedGateLayer {
    for it in layers where it.id == id {
      if let version = try? SemanticVersion(it.version), range.contains(version) { return LoadedGateLayer(id: id, version: it.version, layer: it.layer) }
    }
    throw GateError(.layer, "no version of \(id) in \(range)")
  }
}

@Suite struct PipelineTests {
  private let world = CorpusWorld.lived()
  private let kept = KeptVerdicts()

  private func pipeline(_ source: ScriptedSource, _ settings: GateSettings) throws -> GatePipeline {
    try GatePipeline(settings: settings, layers: source, clock: world, store: kept)
  }
  private func settings(_ ids: String...) -> GateSettings { GateSettings(required: ids) }
  private func judge(_ source: ScriptedSource, _ settings: GateSettings, _ direction: GateDirection = .inbound) async throws -> GateReport {
    try await pipeline(source, settings).judge(direction, world.next().sealed())
  }

  @Test func layersRunInOrderOfTheirPositionsAndTheFirstRefusalStops() async throws {
    let order = Mutex<[String]>([])
    func layer(_ id: String, _ position: Int, _ verdict: Verdict) -> (id: String, version: String, layer: any GateLayer) {
      (
        id, "1.0.0",
        Scripted(position) { _ throws(PluginError) in
          order.withLock { $0.append(id) }
          return verdict
        }
      )
    }
    let source = ScriptedSource(layers: [
      layer("c", 7, Verdict(.reject(reason: "no"))), layer("a", 2, Verdict(.scale(factor: 0.5, reason: "half"))), layer("b", 5, Verdict(.accept)), layer("d", 9, Verdict(.accept)),
    ])
    let report = try await judge(source, settings("a", "b", "c", "d"))
    #expect(order.withLock { $0 } == ["a", "b", "c"])
    #expect(report.outcome == .rejected(layer: "c", reason: "no"))
    #expect(report.verdicts.map(\.layer) == ["a", "b", "c"])
    #expect(kept.reports == [report])
  }

  @Test func factorsMultiplyAndVerdictsSayWhatWasJudgedByWhomAndWhen() async throws {
    let source = ScriptedSource(layers: [
      ("a", "1.4.0", Scripted(1) { _ throws(PluginError) in Verdict(.scale(factor: 0.5, reason: "half"), evidence: [.init("why", "so")]) }),
      ("b", "2.0.0", Scripted(2) { _ throws(PluginError) in Verdict(.scale(factor: 0.25, reason: "a quarter")) }),
    ])
    let report = try await judge(source, settings("a", "b"))
    #expect(report.outcome == .accepted(factor: 0.125))
    let id = world.next().sealed().id
    #expect(
      report.verdicts[0]
        == GateVerdict(
          contentHash: id, direction: .inbound, layer: "a", version: "1.4.0", decision: .scale(factor: 0.5, reason: "half"), evidence: [.init("why", "so")],
          decidedMilliseconds: world.now))
  }

  @Test func aLayerThatIsMissingThrowsOrScalesWronglyRefuses() async throws {
    let good = Scripted(1) { _ throws(PluginError) in Verdict(.accept) }
    let missing = try await judge(ScriptedSource(layers: [("a", "1.0.0", good)]), settings("a", "gate.norms"))
    #expect(missing.outcome == .rejected(layer: "gate.norms", reason: "gate.norms is missing: no version of gate.norms in *"))
    let throwing = Scripted(1) { _ throws(PluginError) in throw PluginError(.internalFailure, "it broke") }
    #expect(try await judge(ScriptedSource(layers: [("a", "1.0.0", throwing)]), settings("a")).outcome == .rejected(layer: "a", reason: "a did not judge: it broke"))
    for factor in [0, -1, 1.0000001, .nan, .infinity] as [Double] {
      let wrong = Scripted(1) { _ throws(PluginError) in Verdict(.scale(factor: factor, reason: "x")) }
      #expect(try await judge(ScriptedSource(layers: [("a", "1.0.0", wrong)]), settings("a")).refusingLayer == "a", "\(factor)")
    }
    #expect(try await judge(ScriptedSource(layers: []), settings()).isAccepted == false)
  }

  @Test func aLayerStandsForTheDirectionsThatItNames() async throws {
    let source = ScriptedSource(layers: [
      ("in", "1.0.0", Scripted(1) { _ throws(PluginError) in Verdict(.reject(reason: "in")) }),
      ("out", "1.0.0", Scripted(2, [.outbound]) { _ throws(PluginError) in Verdict(.reject(reason: "out")) }),
    ])
    #expect(try await judge(source, settings("in", "out"), .outbound).refusingLayer == "out")
    #expect(try await judge(source, settings("in", "out"), .inbound).refusingLayer == "in")
  }

  @Test func aThirdPartysLayerJudgesToo() async throws {
    let source = ScriptedSource(layers: [
      ("a", "1.0.0", Scripted(1) { _ throws(PluginError) in Verdict(.accept) }),
      ("com.example.gate.taste", "0.1.0", Scripted(11) { _ throws(PluginError) in Verdict(.reject(reason: "bad taste")) }),
    ])
    #expect(try await judge(source, settings("a")).refusingLayer == "com.example.gate.taste")
  }

  @Test func aSettingPicksAmongVersionsSideBySide() async throws {
    let source = ScriptedSource(layers: [
      ("gate.x", "2.0.0", Scripted(1) { _ throws(PluginError) in Verdict(.accept) }), ("gate.x", "1.5.0", Scripted(1) { _ throws(PluginError) in Verdict(.reject(reason: "old")) }),
    ])
    var settings = settings("gate.x")
    #expect(try await judge(source, settings).verdicts[0].version == "2.0.0")
    settings.versions = ["gate.x": try VersionRange("^1.2")]
    let old = try await judge(source, settings)
    #expect(old.verdicts[0].version == "1.5.0" && old.refusingLayer == "gate.x")
    settings.versions = ["gate.x": try VersionRange("^3.0")]
    #expect(try await judge(source, settings).outcome == .rejected(layer: "gate.x", reason: "gate.x is missing: no version of gate.x in ^3.0"))
  }

  @Test func whatIsSwitchedOffIsSaidEverywhere() async throws {
    let source = ScriptedSource(layers: [
      ("gate.x", "1.0.0", Scripted(1) { _ throws(PluginError) in Verdict(.reject(reason: "no")) }), ("gate.y", "1.0.0", Scripted(2) { _ throws(PluginError) in Verdict(.accept) }),
    ])
    var settings = settings("gate.x", "gate.y")
    settings.disabled = ["gate.x"]
    let report = try await judge(source, settings)
    let warning = "gate incomplete: gate.x switched off"
    #expect(report.isAccepted && report.warning == warning && report.verdicts.map(\.warning) == [warning])
    #expect(try pipeline(source, settings).status == [warning])
    #expect(kept.reports.map(\.warning) == [warning])
    let whole = try pipeline(source, self.settings("gate.x", "gate.y"))
    let without = try pipeline(source, settings)
    #expect(whole.status.isEmpty && whole.policyDigest != without.policyDigest)
    settings.disabled = ["gate.z"]
    let wrong = settings
    let error = #expect(throws: GateError.self) { try pipeline(source, wrong) }
    #expect(error?.code == .settings && error?.message.contains("gate.z") == true)
  }

  @Test func anIncompleteGateListensOnLoopbackOnlyUnlessAllowed() throws {
    var settings = GateSettings()
    let open = ["quic://0.0.0.0:9741", "tcp://[::]:9741", "tcp://192.168.1.7:1", "quic://example.org:9741", "tcp://[::ffff:10.0.0.1]:2", "tcp://0.0.0.0:0", "nonsense"]
    let own = ["tcp://127.0.0.1:9741", "quic://[::1]:9741", "tcp://localhost:1", "memory://a", "quic://127.0.0.1:0", "tcp://[::1]:0"]
    for address in open + own { try settings.checkListening(on: [address]) }
    settings.disabled = ["gate.norms"]
    for address in own { try settings.checkListening(on: [address]) }
    for address in open {
      let settings = settings
      let error = #expect(throws: GateError.self, "\(address)") { try settings.checkListening(on: own + [address]) }
      #expect(error?.code == .incomplete && error?.message.contains("gate.norms") == true)
    }
    settings.allowsIncomplete = true
    try settings.checkListening(on: open)
  }

  @Test func aVerdictThatCannotBeKeptIsARefusal() async throws {
    struct Full: VerdictStore {
      func keep(_ report: GateReport) async throws { throw PluginError(.inputOutput, "the disk is full") }
    }
    let source = ScriptedSource(layers: [("a", "1.0.0", Scripted(1) { _ throws(PluginError) in Verdict(.accept) })])
    let pipeline = try GatePipeline(settings: settings("a"), layers: source, clock: world, store: Full())
    let error = await #expect(throws: GateError.self) { _ = try await pipeline.judge(.inbound, world.next().sealed()) }
    #expect(error?.code == .storage)
  }

  @Test func aMissingServiceRefusesNamingIt() async throws {
    for service in ["centram.base/1", "centram.authors/1", "centram.clock/1", "centram.lineage/1", "centram.sketches/1"] {
      var world = world
      world.missing = [service]
      let report = try await GateTests.judge(world.next().sealed(), in: world)
      guard case .rejected(_, let reason) = report.outcome else { throw GateError(.layer, "passed without \(service)") }
      #expect(reason.contains(service), "\(reason)")
    }
  }

  @Test(arguments: FirstFive.ids) func anUnknownOrWrongSettingRefusesNamingIt(layer: String) async throws {
    let world = world
    let names: [String: (wrong: String, sentence: String)] = [
      "gate.format": (#"{"rank_limit":0}"#, "rank_limit is 0, not between 1 and 65536"), "gate.signature": ("[]", "no JSON object"),
      "gate.freshness": (#"{"past_hours":"x"}"#, "not a number"), "gate.lineage": (#"{"parents":1.5}"#, "not a whole number"),
      "gate.admission": (#"{"new_weight":1.01}"#, "not between 0.001 and 1"),
    ]
    let (wrong, sentence) = try #require(names[layer])
    for (policy, expected) in [(wrong, sentence), (#"{"rank_limt":1}"#, "has no parameter rank_limt")] {
      let report = try await GateTests.judge(world.next().sealed(), in: world, policies: [layer: policy])
      guard case .rejected(layer, let reason) = report.outcome else { throw GateError(.layer, "passed with \(policy)") }
      #expect(reason.contains(expected), "\(reason)")
    }
  }
}
