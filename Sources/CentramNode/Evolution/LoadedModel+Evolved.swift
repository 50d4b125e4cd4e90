public import CentramModel
public import CentramStore

extension LoadedModel {
  /// What evolution made of this model, ready to run.
  public enum Evolved {
    case adapters([AppliedAdapter])
    case mixture([MixtureExpert], priors: [Double])
  }

  /// Loads the model in use from the store. An expert is called `base` or by its genome's id.
  /// - Throws: `.notFound` where nothing was merged, `.malformed` where this is not the base of what was.
  public func evolved(_ store: GenomeStore) throws(GenomePackageError) -> Evolved {
    let model = try EvolutionState.current(in: store).model
    guard model != .base else {
      throw GenomePackageError(.notFound, "no genome is part of this node's model yet; centram-host evolve step takes accepted ones in")
    }
    return try voices(of: model, store)
  }

  /// Loads what a model is made of besides its base.
  func voices(of model: EvolvedModel, _ store: GenomeStore) throws(GenomePackageError) -> Evolved {
    func adapter(_ genome: String, _ weight: Double) throws(GenomePackageError) -> AppliedAdapter {
      let stored = try store.adapter(of: try GenomePackageError.storing { () throws(StoreError) in try store.genome(genome) })
      do throws(ModelFileError) { return AppliedAdapter(try AdapterWeights(stored, model: self.model), scale: Float(weight)) } catch {
        throw GenomePackageError(.malformed, error.message)
      }
    }
    switch model {
    case .base: return .adapters([])
    case .merged(let genome): return .adapters([try adapter(genome, 1)])
    case .mixture(let experts):
      var voices: [MixtureExpert] = []
      for expert in experts {
        if let genome = expert.genome {
          voices.append(MixtureExpert(name: genome, adapters: [try adapter(genome, expert.weight)]))
        } else {
          voices.append(MixtureExpert(name: "base", adapters: []))
        }
      }
      return .mixture(voices, priors: experts.map(\.prior))
    }
  }
}
