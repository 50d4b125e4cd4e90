import CentramPluginAPI
import CentramPluginTesting
import Testing
import Trainers_DPLora
import Trainers_FullDelta
import Trainers_Lora

@Suite struct TrainerConformanceTests {
  nonisolated(unsafe) private static let descriptors: [UnsafePointer<centram_descriptor_t>] = [
    Trainers_Lora.centramPluginDescriptor(), Trainers_FullDelta.centramPluginDescriptor(), Trainers_DPLora.centramPluginDescriptor(),
  ]
  static let ids = descriptors.map { String(cString: $0.pointee.id) }

  static func factory(_ id: String) throws -> TrainerConformance.Factory {
    let descriptor = try #require(descriptors.first { String(cString: $0.pointee.id) == id })
    guard case .trainer(let make) = try capability(descriptor) else { throw PluginError(.invalid, "\(id) is not a trainer") }
    return make
  }

  static func options(_ id: String) -> TrainerConformance.Options {
    var options = TrainerConformance.Options()
    if id != "trainer.full-delta" { options.settings["rank"] = .number(2) }
    if id == "trainer.dp-lora" {
      // Little noise, so that a short training learns something.
      options.settings.merge(["noise_multiplier": .number(0.3), "alpha": .number(6)]) { $1 }
      options.isPrivate = true
    }
    return options
  }

  @Test(arguments: ids) func everyTrainerKeepsItsPromises(id: String) async throws {
    let results = await TrainerConformance(options: Self.options(id), services: ["centram.identity/1": TestIdentity(7)], make: try Self.factory(id)).run()
    #expect(results.count == TrainerConformance.checkNames.count)
    #expect(results.filter(\.failed) == [])
    #expect(results.count { $0.outcome == .passed } > 13)
  }
}

/// The suite's own tests: it is none if it lets wrong trainers pass.
@Suite struct WrongTrainerTests {
  private static func suite(_ mutation: TrainerMutation) throws -> TrainerConformance {
    let id = mutation.isPrivate ? "trainer.dp-lora" : "trainer.lora"
    let make = try TrainerConformanceTests.factory(id), memory = WrongMemory()
    return TrainerConformance(options: TrainerConformanceTests.options(id)) { (environment) throws(PluginError) in
      try WrongTrainer(try make(environment), mutation, memory, configurationJSON: environment.configurationJSON)
    }
  }

  @Test func eachCheckFindsAFaultThatNoOtherFinds() async throws {
    var report = MutationReport()
    for mutation in TrainerMutation.allCases {
      let failed = Set(await (try Self.suite(mutation)).failures().map(\.check))
      #expect(failed.contains(mutation.caughtBy), "\(mutation) was not caught by \(mutation.caughtBy), only by \(failed.sorted())")
      report.add(mutation.rawValue, failed)
    }
    // Who does not do the same twice cannot go on from a checkpoint to the same end either.
    #expect(report.notCaughtAlone(TrainerConformance.checkNames.filter { $0 != "repeatable" }) == [], "\(report)")
  }
}
