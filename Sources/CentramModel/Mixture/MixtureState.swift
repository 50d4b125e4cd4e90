internal import CModelKernels

/// A causal Bayes mixture of models that read the same text: p(x_t) = Σ_j w_j p_j(x_t), where the weight w_j of expert j is its prior times
/// the probability that it gave to what came before, normalised. Over T tokens it costs at most −ln π_j / T nats a token against expert j,
/// and a worthless expert of prior ε costs at most −ln(1 − ε) / T. All arithmetic is in logarithms.
public struct MixtureState: Sendable {
  /// Logarithms of weights that sum to 1; −∞ for an expert that is out.
  public private(set) var logWeights: [Double]
  /// Sums over tokens of the weights that each token was foretold with, an expert each.
  public private(set) var weightSums: [Double]
  /// Tokens observed.
  public private(set) var tokens = 0

  public static let mostExperts = 64

  /// - Parameter priors: positive, in any unit; nil for equal ones.
  public init(experts: Int, priors: [Double]? = nil) throws(GenerationError) {
    guard (1...Self.mostExperts).contains(experts) else {
      throw GenerationError(.parameter, "a mixture of \(experts) experts: from 1 to \(Self.mostExperts)")
    }
    let priors = priors ?? [Double](repeating: 1, count: experts)
    guard priors.count == experts else { throw GenerationError(.parameter, "\(priors.count) priors for \(experts) experts: one for each") }
    for prior in priors where !(prior >= 1e-100 && prior <= 1e100) {
      throw GenerationError(.parameter, "the prior \(prior): above 0, and between 1e-100 and 1e100")
    }
    logWeights = priors.map(ElementaryFunctions.log)
    weightSums = [Double](repeating: 0, count: experts)
    let total = Self.logSum(logWeights)
    for index in logWeights.indices { logWeights[index] -= total }
  }

  public var experts: Int { logWeights.count }

  /// The weights of what comes next, which sum to 1.
  public var responsibilities: [Double] { logWeights.map(Self.exp) }

  /// The mean over tokens of each expert's weight: its share in the text.
  public var meanResponsibilities: [Double] { tokens == 0 ? responsibilities : weightSums.map { $0 / Double(tokens) } }

  /// Takes what each expert gave to the token that came.
  ///
  /// An expert that gives NaN or more than 1 is out for good, as is one that gives 0 to what came; where all give 0 the weights stay.
  /// - Parameter logProbabilities: natural logarithms, an expert each; those of experts that are out are not looked at.
  /// - Returns: the logarithm of the mixture's probability of the token; −∞ where no expert that is in gave it any.
  @discardableResult public mutating func observe(_ logProbabilities: [Double]) -> Double {
    precondition(logProbabilities.count == experts, "\(logProbabilities.count) probabilities for \(experts) experts")
    for (index, weight) in responsibilities.enumerated() { weightSums[index] += weight }
    tokens += 1
    let joint = logWeights.indices.map { index in
      // A millionth above 1 is what rounding in float32 makes of 1.
      let value = min(logProbabilities[index], 0)
      return logWeights[index] > -.infinity && logProbabilities[index] <= 1e-6 ? logWeights[index] + value : -.infinity
    }
    let total = Self.logSum(joint)
    if total > -.infinity { logWeights = joint.map { $0 - total } }
    return total
  }

  /// Keeps the experts with the largest weights, of equal ones the earlier, and gives them the weight of all.
  public mutating func keepBest(_ count: Int) {
    let order = logWeights.indices.sorted { (-logWeights[$0], $0) < (-logWeights[$1], $1) }
    for index in order.dropFirst(max(1, count)) { logWeights[index] = -.infinity }
    let total = Self.logSum(logWeights)
    for index in logWeights.indices { logWeights[index] -= total }
  }

  /// The experts that are not out.
  public var active: [Int] { logWeights.indices.filter { logWeights[$0] > -.infinity } }

  /// Puts an expert out, such as one whose output is damaged, and gives its weight to the others.
  public mutating func exclude(_ expert: Int) {
    guard active != [expert] else { return }
    logWeights[expert] = -.infinity
    let total = Self.logSum(logWeights)
    if total > -.infinity { for index in logWeights.indices { logWeights[index] -= total } }
  }

  /// e to a number: ∞ above 700, with the same bits on every machine.
  public static func exponential(_ x: Double) -> Double { x > 700 ? .infinity : x < -700 ? 0 : x.isNaN ? x : ElementaryFunctions.exp(x) }

  static func exp(_ x: Double) -> Double { x < -700 ? 0 : ElementaryFunctions.exp(min(x, 0)) }

  /// log Σ exp; −∞ of nothing.
  static func logSum(_ values: [Double]) -> Double {
    guard let greatest = values.max(), greatest > -.infinity else { return -.infinity }
    return greatest + ElementaryFunctions.log(values.reduce(0) { $0 + exp($1 - greatest) })
  }
}
