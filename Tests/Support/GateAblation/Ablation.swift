internal import CentramHost
public import CentramNode
internal import CentramPluginAPI
public import GateCorpus
internal import GateMeasuringCorpus
internal import LinkedGate

/// What each attack of the corpus meets: the whole gate of ten, and the gate without the layer that is named for it.
public struct Ablation: Sendable {
  public struct Row: Sendable {
    public let attack: GateAttack
    /// The layer that refuses it, and without that layer the one that does then; nil: nobody.
    public let stopped: String?, without: String?
  }

  /// In the order of the layers.
  public let rows: [Row]

  public static let attacks = GateAttack.firstFive + GateAttack.lastFive

  /// Judges every attack twice.
  public init() async throws(GateError) {
    var rows: [Row] = []
    for attack in Self.attacks {
      rows.append(Row(attack: attack, stopped: try await Self.refusal(of: attack, without: nil), without: try await Self.refusal(of: attack, without: attack.layer)))
    }
    self.rows = rows
  }

  private static func refusal(of attack: GateAttack, without layer: String?) async throws(GateError) -> String? {
    var world = CorpusWorld.measured()
    let genome = attack.make(&world)
    var settings = GateSettings()
    settings.disabled = layer.map { [$0] } ?? []
    // The corpora of the first five layers have genomes without a record, which is not what they are about.
    if GateSettings.standardLayers.prefix(5).contains(attack.layer) { settings.policies["gate.privacy"] = #"{"record": "optional"}"# }
    let pipeline = try GatePipeline(settings: settings, layers: AllTen(services: world), clock: world, store: UnkeptVerdicts())
    let weights = UnsafeMutableRawBufferPointer.allocate(byteCount: genome.weights.count, alignment: 64)
    weights.copyBytes(from: genome.weights)
    defer { weights.deallocate() }
    let report = try await pipeline.judge(
      attack.direction, manifest: genome.manifest, signature: genome.signature, configuration: genome.configuration, weights: UnsafeRawBufferPointer(weights))
    return report.refusingLayer
  }

  /// How many attacks a layer has, how many it stops, and how many of these pass when it is taken out.
  public func counts(of layer: String) -> (attacks: Int, stopped: Int, passWithout: Int) {
    let own = rows.filter { $0.attack.layer == layer }
    return (own.count, own.count { $0.stopped == layer }, own.count { $0.without == nil })
  }

  /// Two Markdown tables: layer by layer, and attack by attack.
  public var markdown: String {
    var lines = ["| layer | attacks | stopped by it | pass without it |", "|---|---|---|---|"]
    for layer in GateSettings.standardLayers {
      let (attacks, stopped, pass) = counts(of: layer)
      lines.append("| `\(layer)` | \(attacks) | \(stopped) | \(pass) |")
    }
    let all = GateSettings.standardLayers.map(counts)
    lines.append("| all | \(rows.count) | \(all.reduce(0) { $0 + $1.stopped }) | \(all.reduce(0) { $0 + $1.passWithout }) |")
    lines += ["", "| layer | attack | direction | stopped by | without it |", "|---|---|---|---|---|"]
    for row in rows {
      let direction = row.attack.direction == .outbound ? "out" : "in"
      lines.append("| `\(row.attack.layer)` | \(row.attack.name) | \(direction) | \(row.stopped.map { "`\($0)`" } ?? "nobody") | \(row.without.map { "`\($0)`" } ?? "passes") |")
    }
    return lines.joined(separator: "\n")
  }
}
