// What the gate costs, and what it stops:
//   centram-gate-bench [rounds]    how long layers 1 to 7 take for one genome, layer by layer and together
//   centram-gate-bench ablation    the table of docs/plugins/attack-corpus.md
import CentramGenome
import CentramHost
import CentramNode
import CentramPluginAPI
import GateAblation
import GateCorpus
import GateMeasuringCorpus
import LinkedGate

/// Sorted milliseconds of each round.
func measure(_ rounds: Int, _ body: () async throws -> Void) async throws -> [Double] {
  let clock = ContinuousClock()
  var times: [Double] = []
  for _ in 0..<rounds {
    let time = try await clock.measure { try await body() }
    times.append(Double(time.components.attoseconds) / 1e15 + Double(time.components.seconds) * 1000)
  }
  return times.sorted()
}

func shown(_ milliseconds: Double) -> String { "\((milliseconds * 1000).rounded() / 1000)" }

/// The layers that run no model.
struct FirstSeven: GateLayerSource {
  let ten: AllTen
  let layerIds = Array(GateSettings.standardLayers.prefix(7))
  func layer(_ id: String, in range: VersionRange) throws(GateError) -> LoadedGateLayer { try ten.layer(id, in: range) }
}

func bench(_ title: String, _ shape: CorpusShape, rounds: Int, known: Int) async throws {
  var world = CorpusWorld.measured(shape: shape)
  // As many known updates as a node that ran for a while has to compare with.
  let sketch = world.updates[0].sketch
  for number in 0..<known {
    world.updates.append(KnownUpdate(id: "\(number)", author: "\(number)", unixMilliseconds: 0, sketch: sketch.enumerated().map { $1 * Float(($0 * 7 + number) % 5 - 2) / 2 }))
  }
  // An honest update of any shape, whatever its norm.
  world.setBaseNorms(100)
  let genome = world.nextPrivate().sealed()
  let weights = UnsafeMutableRawBufferPointer.allocate(byteCount: genome.weights.count, alignment: 64)
  defer { weights.deallocate() }
  weights.copyBytes(from: genome.weights)
  let lent = UnsafeRawBufferPointer(weights)
  let source = FirstSeven(ten: AllTen(services: world))
  let pipeline = try GatePipeline(settings: GateSettings(required: source.layerIds), layers: source, clock: world, store: UnkeptVerdicts())
  print("\(title): \(genome.weights.count) bytes of weights, \(world.updates.count) known updates; best and median of \(rounds) rounds, in ms")
  for id in source.layerIds {
    let layer = try source.layer(id, in: .any).layer
    let candidate = GenomeCandidate(
      direction: .inbound, contentHash: genome.contentHash, manifest: genome.manifest, manifestSignature: genome.signature, adapterConfiguration: genome.configuration,
      weights: lent)
    let times = try await measure(rounds) { _ = try await layer.judge(candidate) }
    print("  \(id)  \(shown(times[0]))  \(shown(times[rounds / 2]))")
  }
  let times = try await measure(rounds) {
    let report = try await pipeline.judge(
      .inbound, manifest: genome.manifest, signature: genome.signature, configuration: genome.configuration, weights: lent)
    precondition(report.isAccepted, "the honest genome was refused: \(report.outcome)")
  }
  print("  all seven through the pipeline, with the content's hash  \(shown(times[0]))  \(shown(times[rounds / 2]))")
}

if CommandLine.arguments.dropFirst().first == "ablation" {
  print(try await Ablation().markdown)
} else {
  let rounds = CommandLine.arguments.dropFirst().first.flatMap(Int.init) ?? 200
  try await bench("256 KiB", .quarterMegabyte, rounds: rounds, known: 1000)
  try await bench("50 MB", CorpusShape(layers: 24, width: 2048, hidden: 5632, rank: 24), rounds: max(3, rounds / 20), known: 1000)
}
