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
    let state = try EvolutionState.current(in: store)
    func adapter(_ genome: String, _ weight: Double) throws(GenomePackageError) -> AppliedAdapter {
      let stored = try store.adapter(of: try GenomePackageError.storing { () throws(StoreError) in try store.genome(genome) })
      do throws(ModelFileError) { return AppliedAdapter(try AdapterWeights(stored, model: model), scale: Float(weight)) } catch {
        throw GenomePackageError(.malformed, error.message)
      }
    }
    switch state.model {
    case .base: throw GenomePackageError(.notFound, "no genome is part of this node's model yet; centram-host evolve step takes accepted ones in")
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
