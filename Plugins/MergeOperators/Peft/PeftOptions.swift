import CentramPluginAPI

/// The parameters of one call.
struct PeftOptions {
  enum Rule: String, CaseIterable {
    case linear, ties, dareLinear = "dare_linear", dareTies = "dare_ties", magnitudePrune = "magnitude_prune", cat
    var needsDensity: Bool { self != .linear && self != .cat }
  }

  static let names =
    "linear, ties, dare_linear, dare_ties, magnitude_prune, cat, svd, ties_svd, dare_linear_svd, dare_ties_svd, magnitude_prune_svd"

  /// As the user wrote it.
  let name: String
  let rule: Rule
  let isSVD: Bool
  let weights: [Double]
  let density: Double
  let electsByCount: Bool
  let svdRank: Int
  let clamp: Double?
  let largestRank: Int
  let sumOfRanks: Int

  init(_ request: AdapterMergeRequest) throws(PluginError) {
    let parameters = request.parameters
    func integer(_ key: String) throws(PluginError) -> Int { Int(try parameters.number(key) ?? 0) }
    let written = parameters.string("combination_type") ?? "svd"
    // A single adapter is only scaled, whatever the type.
    name = try integer("adapter_count") == 1 ? "linear" : written
    isSVD = name == "svd" || name.hasSuffix("_svd")
    let plain = name == "svd" ? "linear" : isSVD ? String(name.dropLast(4)) : name
    guard let rule = Rule(rawValue: plain), !isSVD || (rule != .cat && (rule != .linear || name == "svd")) else {
      throw PluginError(.invalid, "combination_type \"\(written)\" is not one of \(Self.names)")
    }
    self.rule = rule
    var weights: [Double] = []
    for input in request.factors.indices { weights.append(try parameters.requiredNumber("weight", input: input)) }
    self.weights = weights
    density = try rule.needsDensity ? parameters.requiredNumber("density") : 1
    let method = parameters.string("majority_sign_method") ?? "total"
    guard ["total", "frequency"].contains(method) else {
      throw PluginError(.invalid, "majority_sign_method \"\(method)\" is neither total nor frequency")
    }
    electsByCount = method == "frequency"
    (svdRank, clamp) = (try integer("svd_rank"), try parameters.number("svd_clamp"))
    (largestRank, sumOfRanks) = (try integer("largest_rank"), try integer("sum_of_ranks"))
  }
}
