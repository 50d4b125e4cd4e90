internal import CentramGenome
internal import CentramModel
internal import CentramPluginAPI
internal import CentramStore

extension Evolution {
  /// A model that could take the place of the one in use.
  struct Trial: Sendable {
    let comparison: Comparison
    let way: String
    let weight: Double
    let isExact: Bool
    let result: Result

    enum Result: Sendable {
      /// A genome that is there already, alone and whole.
      case genome(GenomeRecord)
      case merge(files: [(name: String, bytes: [UInt8])], parents: [(record: GenomeRecord, basisPoints: Int)], recipe: MergeRecipe)
      case mixture([EvolvedModel.Expert])
    }
  }

  /// The node's own trained genome, as it is.
  func ownTrial(_ candidate: Candidate, _ before: [[Double]]) async throws(GenomePackageError) -> Trial {
    let after = try await losses(of: .sum([.init(.genome(candidate.record.id))]))
    return Trial(comparison: comparison(before, after), way: "own", weight: 1, isExact: true, result: .genome(candidate.record))
  }

  private func comparison(_ before: [[Double]], _ after: [[Double]]) -> Comparison { Comparison(domains: measuring.domains, before: before, after: after) }

  /// Line search over the peer's part, then the merge itself, measured as it would run.
  func blendTrial(_ candidate: Candidate, _ model: EvolvedModel, _ before: [[Double]]) async throws(GenomePackageError) -> Trial {
    let peer = candidate.record
    var own: GenomeRecord?
    switch model {
    case .base: break
    case .merged(let id): own = try GenomePackageError.storing { () throws(StoreError) in try store.genome(id) }
    case .mixture: throw GenomePackageError(.usage, "the model in use is a mixture; set evolve.mode to mixture, or take it back with centram-host evolve revert")
    }
    let isSum = settings.mergeOperator == EvolutionSettings.exactOperator
    let best = try await searched(candidate, own: own, before)
    guard best.comparison.lift.isFinite else { throw GenomePackageError(.malformed, "its losses are not finite") }

    let weights = factors(best.lambda, candidate, hasOwn: own != nil)
    if own == nil, weights == [1], isSum {
      return Trial(comparison: best.comparison, way: "merge", weight: 1, isExact: true, result: .genome(peer))
    }
    let recipe = try recipe(own, peer, weights)
    let (files, measured) = try await merged(recipe)
    let after = try await losses(of: measured)
    return Trial(
      comparison: comparison(before, after), way: "merge", weight: weights[weights.count - 1], isExact: recipe.operatorID == EvolutionSettings.exactOperator,
      result: .merge(files: files, parents: parents(own, peer, weights), recipe: recipe))
  }

  private struct Point {
    var lambda: Double
    var comparison: Comparison
    /// One that lets no domain fall goes before one that does.
    func isBetter(than other: Point, fall: Double) -> Bool {
      guard comparison.lift.isFinite, other.comparison.lift.isFinite else { return comparison.lift.isFinite }
      let (mine, others) = (comparison.worstFall <= fall, other.comparison.worstFall <= fall)
      return mine == others ? comparison.lift > other.comparison.lift : mine
    }
  }

  /// The best of 1, 2, 4 … as long as it becomes better and no domain falls, else of 1, ½, ¼ …: along a line the loss has one valley as far as updates are
  /// small.
  private func searched(_ candidate: Candidate, own: GenomeRecord?, _ before: [[Double]]) async throws(GenomePackageError) -> Point {
    var best = try await point(1, candidate, own, before), lambda = 2.0
    // The gate measured no more than its factor, so no more is merged.
    while own != nil, lambda <= EvolutionSettings.largestLambda, lambda * settings.share <= 1 {
      let next = try await point(lambda, candidate, own, before)
      guard next.isBetter(than: best, fall: settings.fall) else { break }
      (best, lambda) = (next, lambda * 2)
    }
    guard best.lambda == 1 else { return best }
    lambda = 0.5
    while lambda >= EvolutionSettings.smallestLambda {
      let next = try await point(lambda, candidate, own, before)
      guard next.isBetter(than: best, fall: settings.fall) else { break }
      (best, lambda) = (next, lambda / 2)
    }
    return best
  }

  private func point(_ lambda: Double, _ candidate: Candidate, _ own: GenomeRecord?, _ before: [[Double]]) async throws(GenomePackageError) -> Point {
    let weights = factors(lambda, candidate, hasOwn: own != nil)
    let model: MeasuredModel
    if settings.mergeOperator == EvolutionSettings.exactOperator {
      var terms = [MeasuredModel.Term(.genome(candidate.record.id), weight: weights[weights.count - 1])]
      if let own { terms.insert(.init(.genome(own.id), weight: weights[0]), at: 0) }
      model = .sum(terms)
    } else {
      model = try await merged(try recipe(own, candidate.record, weights)).model
    }
    return Point(lambda: lambda, comparison: comparison(before, try await losses(of: model)))
  }

  /// Factors of the own adapter, where there is one, and of the peer's.
  private func factors(_ lambda: Double, _ candidate: Candidate, hasOwn: Bool) -> [Double] {
    hasOwn ? [1 - settings.share, settings.share * lambda * candidate.factor] : [lambda * candidate.factor]
  }

  /// In proportion to the factors, at least one basis point each.
  private func parents(_ own: GenomeRecord?, _ peer: GenomeRecord, _ weights: [Double]) -> [(record: GenomeRecord, basisPoints: Int)] {
    guard let own else { return [(peer, Manifest.wholeWeight)] }
    let share = weights[1] / (weights[0] + weights[1])
    let points = min(Manifest.wholeWeight - 1, max(1, Int((share * Double(Manifest.wholeWeight)).rounded())))
    return [(own, Manifest.wholeWeight - points), (peer, points)]
  }

  private func recipe(_ own: GenomeRecord?, _ peer: GenomeRecord, _ weights: [Double]) throws(GenomePackageError) -> MergeRecipe {
    let records = (own.map { [$0] } ?? []) + [peer]
    var ranks = 0
    for record in records { ranks += try store.adapter(of: record).modules.map(\.rank).max() ?? 0 }
    let compresses = settings.mergeOperator == EvolutionSettings.exactOperator && ranks > settings.rankLimit
    let id = compresses ? EvolutionSettings.compressingOperator : settings.mergeOperator
    guard let version = operatorVersion(id) else { throw GenomePackageError(.usage, "the merge operator \(id) is not here; install it, or choose another with evolve.operator") }
    var members = weights.enumerated().map { JSONValue.Member("weight.\($0)", .number("\($1)")) }
    if compresses { members.append(.init("rank", .number("\(settings.rankLimit)"))) }
    if settings.mergeOperator != EvolutionSettings.exactOperator {
      do throws(GenomeError) {
        guard case .object(let given) = try JSONValue(parsing: Array(settings.parametersJSON.utf8), name: "evolve.parameters") else {
          throw GenomeError(.wrongType, "evolve.parameters is no object")
        }
        members += given
      } catch { throw GenomePackageError(.usage, error.message) }
    }
    return MergeRecipe(
      operatorID: id, operatorVersion: version, parametersJSON: JSONValue.object(members).text,
      parents: parents(own, peer, weights).map { .init(id: $0.record.id, basisPoints: $0.basisPoints) }, base: base, genomeKind: GenomeKind.adapter.rawValue)
  }

  private func merged(_ recipe: MergeRecipe) async throws(GenomePackageError) -> (files: [(name: String, bytes: [UInt8])], model: MeasuredModel) {
    guard let files = try await merge.files(recipe), files.count == 2 else {
      throw GenomePackageError(.usage, "the merge by \(recipe.operatorID) \(recipe.operatorVersion) cannot be made here: the operator or a parent's files are missing")
    }
    let key = Hexadecimal.text(ContentHash.of(configuration: files[0].bytes, weights: files[1].bytes))
    do throws(ModelFileError) {
      return (files, .sum([.init(.adapter(try Adapter(configuration: files[0].bytes, tensors: files[1].bytes, name: String(key.prefix(16))), key: key))]))
    } catch { throw GenomePackageError(.malformed, error.message) }
  }

  /// The genome as one more expert beside what runs now.
  func mixtureTrial(_ candidate: Candidate, _ model: EvolvedModel, _ before: [[Double]]) async throws(GenomePackageError) -> Trial {
    let experts: [EvolvedModel.Expert]
    switch model {
    case .base: experts = [.init(genome: nil, prior: 1)]
    case .merged(let genome): experts = [.init(genome: nil, prior: 0.5), .init(genome: genome, prior: 0.5)]
    case .mixture(let known): experts = known
    }
    guard experts.count < MixtureState.mostExperts else { throw GenomePackageError(.usage, "a mixture has at most \(MixtureState.mostExperts) experts, and there are as many") }
    let prior = settings.newcomerPrior
    let all =
      experts.map { EvolvedModel.Expert(genome: $0.genome, weight: $0.weight, prior: $0.prior * (1 - prior)) }
      + [.init(genome: candidate.record.id, weight: candidate.factor, prior: prior)]
    let after = try await losses(of: EvolvedModel.mixture(all).measured)
    return Trial(comparison: comparison(before, after), way: "mixture", weight: prior, isExact: true, result: .mixture(all))
  }
}

extension ContentHash {
  static func of(configuration: [UInt8], weights: [UInt8]) -> [UInt8] { weights.withUnsafeBytes { of(configuration: configuration, weights: $0) } }
}
