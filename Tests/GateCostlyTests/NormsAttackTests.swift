import CentramPluginAPI
import Foundation
import Testing

@testable import GateLayers_Norms

/// What attackers make of an update.
enum Attacks {
  /// All of the size in one direction.
  static func rankOne(_ module: ModuleUpdate) -> ModuleUpdate {
    var result = module
    let size = Dense.norm(Dense.delta(module)), rank = module.factors.rank
    for row in 0..<module.outputs { for k in 1..<rank { result.factors.b[row * rank + k] *= 1e-3 } }
    let factor = Float(size / Dense.norm(Dense.delta(result)))
    result.factors.b = result.factors.b.map { $0 * factor }
    return result
  }
}

@Suite struct NormsAttackTests {
  @Test func boostingIsRejected() async throws {
    // A colluder among ten multiplies its update by ten, to outweigh the others in a mean (Bagdasaryan et al., 2018).
    let honest = Updates.adapter(norm: 0.6, seed: 20)
    let pass = try await NormsTests.judge(honest), boosted = try await NormsTests.judge(Updates.scaled(honest, by: 10))
    #expect(pass.isAccepted)
    #expect(boosted.rejection != nil)
  }

  @Test func modelReplacementIsRejected() async throws {
    // ΔW as large as the base's own matrix replaces it.
    let verdict = try await NormsTests.judge(Updates.adapter(norm: 4, seed: 21))
    #expect(verdict.rejection?.contains("4 times the limit") == true)
  }

  @Test func boostingThatHidesBelowTheAbsoluteCapIsCutToTheHistory() async throws {
    let history = try await NormsTests.history(30, norm: 0.1)
    let verdict = try await NormsTests.judge(Updates.adapter(norm: 0.9, seed: 22), history)
    #expect(verdict.rejection?.contains("accepted ones") == true)
  }

  @Test func aRankOneBackdoorIsQuarantined() async throws {
    let history = try await NormsTests.history(30)
    let verdict = try await NormsTests.judge(Updates.adapter(norm: 0.5, seed: 23).map(Attacks.rankOne), history)
    #expect(verdict.quarantine != nil, "\(verdict)")
  }

  @Test func splittingSizeBetweenFactorsAndScaleChangesNothing() async throws {
    // Tiny factors with a huge alpha, and the other way round.
    for factor in [1e-3, 1e3] {
      let modules = Updates.adapter(norm: 4, seed: 24).map { module in
        var result = module
        result.factors.b = module.factors.b.map { $0 * Float(factor) }
        result.scale = module.scale / factor
        return result
      }
      let verdict = try await NormsTests.judge(modules)
      #expect(verdict.rejection != nil)
    }
  }
}
