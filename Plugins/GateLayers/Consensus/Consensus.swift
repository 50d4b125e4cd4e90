import CentramGateStatistics
import CentramGateSupport
public import CentramPluginAPI

/// Layer 8: does an update point where other updates of its domain point? Against a robust mean of a cohort where there is one, else against the
/// receiver's own root update. Of other domains it weighs and never rejects.
struct Consensus: GateLayer {
  static let id: StaticString = "gate.consensus", version: StaticString = "1.0.0"
  let services: any HostServices

  let info = GateLayerInfo(
    position: 8,
    parameters: [
      .init("rule", .string, default: .string("multi_krum"), "how a cohort is averaged: multi_krum or trimmed_mean"),
      .init("faulty_share", .number, default: .number(0.3), limits: 0.01...0.49, "largest share of a cohort that may be hostile"),
      .init("cohort", .integer, default: .number(30), limits: 5...200, "most updates compared with, newest first"),
      .init("cosine_share", .number, default: .number(0.25), limits: 0...1, "least cosine to the cohort's mean, as a share of the cohort's median"),
      .init("distance_factor", .number, default: .number(4), limits: 1...1000, "largest squared distance to the cohort's mean, in units of the cohort's median"),
      .init("copy_cosine", .number, default: .number(0.98), limits: 0.5...1, "cosine from which two updates count as one"),
      .init("root_sequences", .integer, default: .number(200), limits: 1...1e9, "sequences that a root update was trained on, at least"),
      .init("least_weight", .number, default: .number(0.1), limits: 0.001...1, "weight of an update of another domain that points against the root update"),
    ])

  func judge(_ candidate: GenomeCandidate) async throws(PluginError) -> Verdict {
    let policy = try LayerPolicy("gate.consensus", json: candidate.policyJSON, info.parameters)
    guard let rule = CohortRule(rawValue: policy.string("rule")) else {
      throw PluginError(.invalid, "gate.consensus: rule is \"\(policy.string("rule").prefix(40))\"; known are \(CohortRule.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let updates = try services.required("centram.updates/1", for: "gate.consensus", as: (any UpdateService).self)
    let update = try CandidateUpdate(candidate)
    let domain = update.manifest.domain
    let members = try await updates.cohort(domain: domain, beside: candidate.contentHash, limit: policy.integer("cohort"))
    var evidence = [Verdict.Evidence("cohort", "\(members.count) other updates of \(domain)")]
    if Cohort.hostile(members.count, share: policy.number("faulty_share")) >= 1 {
      // The candidate comes first.
      let products = try await Comparison(update, members, updates).products()
      let copies = policy.number("copy_cosine")
      let distinct = Cohort.distinct(products, cosine: copies)
      evidence.append(.init("distinct", "\(distinct.count) members that are no copies (cosine \(shown(copies))) of each other or of the candidate"))
      let cohort = Cohort(products: products, members: distinct, hostile: Cohort.hostile(distinct.count, share: policy.number("faulty_share")))
      if cohort.hostile >= 1 {
        let agreement =
          switch rule {
          case .multiKrum: cohort.agreementWithMultiKrum()
          case .trimmedMean: try await Comparison(update, members, updates).agreementWithTrimmedMean(cohort)
          }
        return agreement.verdict(policy, cohort, rule, evidence: evidence)
      }
    }
    evidence.append(.init("rule", "FLTrust: a cohort needs 2f + 3 members with f of at least 1 and at most \(shown(policy.number("faulty_share"))) of it, so 5 or more"))
    return try await rootVerdict(update, domain, updates, policy, evidence)
  }

  private func rootVerdict(
    _ update: CandidateUpdate, _ domain: String, _ updates: any UpdateService, _ policy: LayerPolicy, _ given: [Verdict.Evidence]
  ) async throws(PluginError) -> Verdict {
    var evidence = given
    let least = policy.integer("root_sequences")
    let roots = try await updates.rootUpdates()
    let usable = roots.filter { $0.sequences >= least }
    for root in roots where root.sequences < least { evidence.append(.init("root.\(root.domain)", "trained on \(root.sequences) sequences; \(least) are needed")) }
    guard !usable.isEmpty else {
      let reason = "there is neither a cohort of 5 nor a root update of \(least) sequences to compare with; train one on data of your own"
      return Verdict(.quarantine(reason: reason), evidence: evidence)
    }
    let comparison = Comparison(update, usable.map(\.update), updates)
    let products = try await comparison.products()
    guard let own = usable.firstIndex(where: { $0.domain == domain }) else {
      let nearest = usable.indices.max { products.cosine(0, $0 + 1) < products.cosine(0, $1 + 1) }!
      return crossDomain(products.cosine(0, nearest + 1), usable[nearest], domain, policy, evidence)
    }
    let trust = products.cosine(0, own + 1)
    let (size, root) = (products.norm(0), products.norm(own + 1))
    evidence.append(.init("trust", "cosine \(shown(trust)) to the root update of \(domain) (\(usable[own].sequences) sequences), norms \(shown(size)) and \(shown(root))"))
    evidence.append(.measure("trust", trust))
    guard trust > 0 else {
      return Verdict(.reject(reason: "the update's cosine to the node's root update of \(domain) is \(shown(trust)); it must be above 0"), evidence: evidence)
    }
    guard size <= root else {
      return Verdict(.scale(factor: root / size, reason: "the update has norm \(shown(size)), the node's root update \(shown(root)), to which it is scaled"), evidence: evidence)
    }
    return Verdict(.accept, evidence: evidence)
  }

  /// Unrelated domains are nearly orthogonal, which says nothing against either; only what points against the root weighs less.
  private func crossDomain(_ cosine: Double, _ root: RootUpdate, _ domain: String, _ policy: LayerPolicy, _ given: [Verdict.Evidence]) -> Verdict {
    let weight = min(1, max(policy.number("least_weight"), 1 + cosine))
    let evidence =
      given + [
        .init("across", "\(domain) is none of the node's domains; cosine \(shown(cosine)) to its root update of \(root.domain): weight \(shown(weight)), never a rejection"),
        .measure("trust", cosine),
      ]
    guard weight < 1 else { return Verdict(.accept, evidence: evidence) }
    return Verdict(.scale(factor: weight, reason: "the update points against the node's root update of \(root.domain) (cosine \(shown(cosine)))"), evidence: evidence)
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: Consensus.id, version: Consensus.version, kind: CENTRAM_KIND_GATE_LAYER, summary: "Compares an update with those of its domain, robustly"
) { pluginInterface($0, .gateLayer { environment in Consensus(services: environment.services) }) }

@c(centram_plugin_descriptor__gate_consensus) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
