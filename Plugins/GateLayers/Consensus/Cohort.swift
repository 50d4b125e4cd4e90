import CentramGateStatistics
import CentramGateSupport
import CentramPluginAPI

enum CohortRule: String, CaseIterable {
  case multiKrum = "multi_krum"
  case trimmedMean = "trimmed_mean"
}

/// Updates of one domain, by their inner products. The candidate is update 0 and no member: it is judged by the others.
struct Cohort {
  let products: UpdateProducts
  /// Indices of updates.
  let members: [Int]
  /// f: members that may be hostile.
  let hostile: Int

  /// f = ⌊(n − 3) / 2⌋, at most `share` of n; below 1 where a cohort cannot be judged.
  static func hostile(_ count: Int, share: Double) -> Int { min((count - 3) / 2, Int(share * Double(count) + 1e-9)) }

  /// Members that are no copies of an earlier one or of the candidate: a copy is no second opinion.
  static func distinct(_ products: UpdateProducts, cosine: Double) -> [Int] {
    var kept = [0]
    for index in 1..<max(1, products.count) where products.norm(index) > 0 && !kept.contains(where: { products.cosine($0, index) >= cosine }) { kept.append(index) }
    return Array(kept.dropFirst())
  }

  /// One row a member: each replaced by the mean of its n − f nearest, itself among them (Allouah et al., "Fixing by Mixing", 2023). Rows hold
  /// coefficients over all updates.
  func mixed() -> [[Double]] {
    let count = members.count - hostile
    return members.map { member in
      let near = members.map { (distance: squaredDistance(member, $0), index: $0) }.sorted { ($0.distance, $0.index) < ($1.distance, $1.index) }.prefix(count)
      var row = [Double](repeating: 0, count: products.count)
      for neighbour in near { row[neighbour.index] = 1 / Double(count) }
      return row
    }
  }

  private func squaredDistance(_ i: Int, _ j: Int) -> Double { max(0, products[i, i] - 2 * products[i, j] + products[j, j]) }

  /// Which of the vectors Multi-Krum takes (Blanchard et al., 2017): the n − f with the smallest sums of squared distances to their n − f − 2 nearest.
  func selectedByKrum(_ vectors: [[Double]]) -> [Int] {
    let (count, near) = (vectors.count, max(1, vectors.count - hostile - 2))
    var distances = [[Double]](repeating: Array(repeating: 0, count: count), count: count)
    for i in 0..<count {
      for j in 0..<i {
        let distance = products.squaredDistance(vectors[i], vectors[j])
        (distances[i][j], distances[j][i]) = (distance, distance)
      }
    }
    let scores = (0..<count).map { i in
      (score: (0..<count).filter { $0 != i }.map { distances[i][$0] }.sorted().prefix(near).reduce(0, +), index: i)
    }
    return scores.sorted { ($0.score, $0.index) < ($1.score, $1.index) }.prefix(count - hostile).map(\.index).sorted()
  }

  /// Mixing, Multi-Krum, and how candidate and members stand to the mean of what it takes.
  func agreementWithMultiKrum() -> Agreement {
    let vectors = mixed()
    let selected = selectedByKrum(vectors)
    var mean = [Double](repeating: 0, count: products.count)
    for index in selected { for place in mean.indices { mean[place] += vectors[index][place] / Double(selected.count) } }
    func unit(_ index: Int) -> [Double] { (0..<products.count).map { $0 == index ? 1 : 0 } }
    func stand(_ index: Int) -> Agreement.Standing {
      // Without its own part: nobody speaks for himself.
      var others = mean
      others[index] = 0
      let rest = 1 - mean[index]
      if rest > 1e-9 { others = others.map { $0 / rest } }
      let sizes = (products.product(others, others) * products[index, index]).squareRoot()
      return .init(cosine: sizes > 0 ? products.product(unit(index), others) / sizes : 0, squaredDistance: products.squaredDistance(unit(index), others))
    }
    return Agreement(candidate: stand(0), members: selected.map { stand(members[$0]) })
  }
}

/// How the candidate stands to a cohort's mean, and how the members of it do.
struct Agreement {
  struct Standing {
    /// To the mean of the others.
    var cosine: Double, squaredDistance: Double
  }
  var candidate: Standing
  var members: [Standing]

  func verdict(_ policy: LayerPolicy, _ cohort: Cohort, _ rule: CohortRule, evidence given: [Verdict.Evidence]) -> Verdict {
    let usual = RobustStatistics.median(members.map(\.cosine)), usualDistance = RobustStatistics.median(members.map(\.squaredDistance))
    // At least 0, so that a cohort without agreement lets through what is not against it.
    let least = max(0, usual * policy.number("cosine_share")), most = usualDistance * policy.number("distance_factor")
    let evidence =
      given + [
        .init("rule", "nearest-neighbour mixing, then \(rule.rawValue); n = \(cohort.members.count), f = \(cohort.hostile)"),
        .init("cosine", "\(shown(candidate.cosine)) to the cohort's mean; members have a median of \(shown(usual)), and more than \(shown(least)) is needed"),
        .init("distance", "squared \(shown(candidate.squaredDistance)); members have a median of \(shown(usualDistance)), and at most \(shown(most)) is allowed"),
        .measure("consensus", candidate.cosine),
      ]
    guard candidate.cosine > least else {
      return Verdict(
        .reject(reason: "the update's cosine to the cohort's mean is \(shown(candidate.cosine)); more than \(shown(least)) is needed among \(cohort.members.count) of its domain"),
        evidence: evidence)
    }
    guard candidate.squaredDistance <= most else {
      return Verdict(
        .reject(
          reason:
            "the update's squared distance to the cohort's mean is \(shown(candidate.squaredDistance)); at most \(shown(most)) is allowed among \(cohort.members.count) of its domain"
        ),
        evidence: evidence)
    }
    return Verdict(.accept, evidence: evidence)
  }
}
