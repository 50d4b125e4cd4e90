import CentramGateStatistics
import CentramPluginAPI

/// The candidate beside other updates, one module at a time.
struct Comparison {
  let candidate: CandidateUpdate
  let others: [UpdateReference]
  let updates: any UpdateService
  private let place: [String: Int]

  init(_ candidate: CandidateUpdate, _ others: [UpdateReference], _ updates: any UpdateService) {
    (self.candidate, self.others, self.updates) = (candidate, others, updates)
    place = Dictionary(uniqueKeysWithValues: candidate.modules.enumerated().map { ($1, $0) })
  }

  /// Of all updates, the candidate first.
  func products() async throws(PluginError) -> UpdateProducts {
    var products = UpdateProducts(count: others.count + 1)
    for module in try await moduleNames() { try products.add(try await modules(module)) }
    return products
  }

  /// Modules that any of them changes.
  func moduleNames() async throws(PluginError) -> [String] {
    var names = Set(candidate.modules)
    for other in others { names.formUnion(try await updates.modules(of: other)) }
    return names.sorted()
  }

  /// One module of each.
  func modules(_ name: String) async throws(PluginError) -> [ModuleUpdate?] {
    var list = [place[name].map { candidate.update($0) }]
    for other in others { list.append(try await updates.module(name, of: other)) }
    return list
  }

  /// Mixing, then the mean of each element without its f largest and f smallest values (Yin et al., 2018). Elements are made a few rows
  /// at a time. A member's standing is to the whole mean less its share, which the mean of a trimmed element only nearly is.
  func agreementWithTrimmedMean(_ cohort: Cohort) async throws(PluginError) -> Agreement {
    let vectors = cohort.mixed(), kept = cohort.members.count - 2 * cohort.hostile
    let count = others.count + 1
    // Of the trimmed mean: with each update, and with itself.
    var dots = [Double](repeating: 0, count: count), square = 0.0
    for name in try await moduleNames() {
      let parts = try await modules(name)
      guard let shape = parts.compactMap({ $0 }).first else { continue }
      let rows = max(1, 65_536 / max(1, shape.inputs * count))
      for start in stride(from: 0, to: shape.outputs, by: rows) {
        let range = start..<min(start + rows, shape.outputs)
        let dense = parts.map { $0.map { $0.rows(range) } }
        var values = [Double](repeating: 0, count: vectors.count)
        for element in 0..<(range.count * shape.inputs) {
          for (index, vector) in vectors.enumerated() {
            var sum = 0.0
            for member in cohort.members where vector[member] != 0 { sum += vector[member] * (dense[member]?[element] ?? 0) }
            values[index] = sum
          }
          values.sort()
          var mean = 0.0
          for index in cohort.hostile..<(cohort.hostile + kept) { mean += values[index] / Double(kept) }
          square += mean * mean
          for update in 0..<count { dots[update] += mean * (dense[update]?[element] ?? 0) }
        }
      }
    }
    func stand(_ index: Int, share: Double) -> Agreement.Standing {
      // mean − share · own, by 1 − share.
      let own = cohort.products[index, index], rest = 1 - share
      let dot = (dots[index] - share * own) / rest
      let size = max(0, square - 2 * share * dots[index] + share * share * own) / (rest * rest)
      let sizes = (size * own).squareRoot()
      return .init(cosine: sizes > 0 ? dot / sizes : 0, squaredDistance: max(0, own - 2 * dot + size))
    }
    let share = 1 / Double(cohort.members.count)
    return Agreement(candidate: stand(0, share: 0), members: cohort.members.map { stand($0, share: share) })
  }
}
