import CentramGateStatistics
import CentramGateSupport
import CentramPluginAPI

/// What accepted genomes measured, by name of the measure.
struct MeasureHistory {
  private var values: [String: [Double]] = [:]
  let count: Int

  init(_ entries: [LineageEntry]) {
    for entry in entries { for (name, value) in entry.measures where value.isFinite { values[name, default: []].append(value) } }
    count = entries.count
  }

  /// Nil where there are fewer than a median needs.
  func statistics(_ name: String) -> RobustStatistics? { values[name].flatMap { $0.count >= Norms.minimumHistory ? RobustStatistics($0) : nil } }
}

/// Collects what the matrices of one candidate say.
struct NormsJudgement {
  let policy: LayerPolicy
  let history: MeasureHistory
  private var worst: (ratio: Double, module: String, norm: Double, limit: Double, rule: String) = (0, "", 0, 0, "")
  /// By layer of the model.
  private var outliers: [String: String] = [:]
  private var cancelled: (module: String, remainder: Double)?
  private var measures: [Verdict.Evidence] = []
  private var moduleCount = 0

  init(policy: LayerPolicy, history: MeasureHistory) { (self.policy, self.history) = (policy, history) }

  mutating func add(_ module: String, base: Double, spectrum: ModuleSpectrum) {
    moduleCount += 1
    var limit = policy.number("rho") * base
    var rule = "\(shown(policy.number("rho"))) of the base's \(shown(base))"
    if let norms = history.statistics("norm.\(module)") {
      let bound = norms.median + policy.number("deviations") * norms.deviation
      if bound < limit {
        (limit, rule) = (bound, "median \(shown(norms.median)) + \(shown(policy.number("deviations"))) deviations of \(shown(norms.deviation)) of \(norms.count) accepted ones")
      }
    }
    let ratio = spectrum.norm == 0 ? 0 : spectrum.norm / limit
    if ratio > worst.ratio || worst.module.isEmpty { worst = (ratio, module, spectrum.norm, limit, rule) }
    // Below this, float32 arithmetic in a merge would be rounding and not the product.
    if spectrum.norm > 0 || spectrum.remainder == 0, spectrum.remainder < 1e-10 { cancelled = (module, spectrum.remainder) }
    for (name, value) in [("sigma1", spectrum.firstShare), ("entropy", spectrum.entropy), ("kurtosis", spectrum.kurtosis)] {
      measures.append(.measure("\(name).\(module)", value))
      guard let accepted = history.statistics("\(name).\(module)") else { continue }
      let z = accepted.score(value, floor: policy.number("spread_floor"))
      if abs(z) > policy.number("z"), outliers[Self.layer(of: module)] == nil {
        outliers[Self.layer(of: module)] = "\(name) of \(module) is \(shown(value)), z = \(shown(z)) against a median of \(shown(accepted.median))"
      }
    }
    measures.append(.measure("norm.\(module)", spectrum.norm))
  }

  var evidence: [Verdict.Evidence] {
    var list = [
      Verdict.Evidence("matrices", "\(moduleCount)"),
      .init(
        "history",
        history.count < Norms.minimumHistory
          ? "\(history.count) accepted genomes, fewer than \(Norms.minimumHistory): only the absolute cap stands" : "\(history.count) accepted genomes"),
    ]
    if !worst.module.isEmpty {
      list.append(.init("largest", "\(worst.module): norm \(shown(worst.norm)), \(shown(worst.ratio)) times the limit \(shown(worst.limit)) (\(worst.rule))"))
    }
    for (layer, text) in outliers.sorted(by: { $0.key < $1.key }).prefix(8) { list.append(.init("outlier.\(layer)", text)) }
    return list + measures
  }

  func verdict() -> Verdict {
    if let cancelled {
      let reason = "the factors of \(cancelled.module) cancel to \(shown(cancelled.remainder)) of their size, less than 1e-10: their product is rounding"
      return Verdict(.reject(reason: reason), evidence: evidence)
    }
    let bound = policy.number("scale_up_to")
    guard worst.ratio <= bound else {
      let reason =
        "the update of \(worst.module) has norm \(shown(worst.norm)), \(shown(worst.ratio)) times the limit \(shown(worst.limit)) (\(worst.rule)); at most \(shown(bound)) times is scaled"
      return Verdict(.reject(reason: reason), evidence: evidence)
    }
    let allowed = policy.integer("outlier_layers")
    guard outliers.count < allowed else {
      let reason = "\(outliers.count) layers have a spectrum beyond |z| = \(shown(policy.number("z"))) of what was accepted; \(allowed) make a quarantine"
      return Verdict(.quarantine(reason: reason), evidence: evidence)
    }
    guard worst.ratio <= 1 else {
      let reason = "the update of \(worst.module) is \(shown(worst.ratio)) times the limit \(shown(worst.limit)) (\(worst.rule))"
      return Verdict(.scale(factor: 1 / worst.ratio, reason: reason), evidence: evidence)
    }
    return Verdict(.accept, evidence: evidence)
  }

  /// `layers.3` of `model.layers.3.mlp.up_proj`; a module outside of the numbered ones stands for itself.
  static func layer(of module: String) -> String {
    let parts = module.split(separator: ".")
    guard let index = parts.firstIndex(where: { !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }) else { return module }
    return index == 0 ? String(parts[0]) : "\(parts[index - 1]).\(parts[index])"
  }
}
