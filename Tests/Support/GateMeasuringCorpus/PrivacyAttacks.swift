internal import CentramPluginAPI
internal import CentramPluginTesting
public import GateCorpus

extension GateAttack {
  private static let layer = "gate.privacy"

  /// A training of one's own that was not what the record says.
  private static func trained(_ name: String, _ change: @escaping @Sendable (inout PrivateTraining) -> Void) -> GateAttack {
    GateAttack(name, layer, direction: .outbound) { world in
      world.change("centram.privacy-account/1", PrivacyAccountDouble.self) { double in
        var training = CorpusWorld.training
        change(&training)
        double.trained = training
      }
      return world.nextPrivate().sealed()
    }
  }

  public static let privacy: [GateAttack] = [
    GateAttack("no record", layer) { world in world.next().sealed() },
    GateAttack("a record that claims half of its ε", layer) { world in world.nextPrivate { $0.epsilon /= 2 }.sealed() },
    GateAttack("a record with ten times the steps that its ε covers", layer) { world in world.nextPrivate { $0.steps *= 10 }.sealed() },
    GateAttack("a clipping norm that clips nothing", layer) { world in world.nextPrivate { $0.clippingNorm = 1e8 }.sealed() },
    GateAttack("shuffled batches, accounted for as a Poisson sample", layer) { world in world.nextPrivate { $0.sampling = "shuffle" }.sealed() },
    GateAttack("a δ under which a sequence may be published whole", layer) { world in world.nextPrivate { $0.delta = 0.02 }.sealed() },
    GateAttack("honest noise, and far too little of it", layer) { world in world.nextPrivate { ($0.noiseMultiplier, $0.epsilon) = (0.3, 1000) }.sealed() },
    GateAttack("a genome without a record on its way out", layer, direction: .outbound) { world in world.next().sealed() },
    trained("a step without clipping") { $0.clippedSteps -= 1 },
    trained("a step without noise") { $0.noisySteps -= 1 },
    trained("noise on A and B, multiplied with each other") { $0.isAFrozen = false },
    GateAttack("one training after the other, until the account is overspent", layer, direction: .outbound) { world in
      world.change("centram.privacy-account/1", PrivacyAccountDouble.self) { $0.spent = CorpusWorld.spent(trainings: 5000) }
      return world.nextPrivate().sealed()
    },
  ]
}
