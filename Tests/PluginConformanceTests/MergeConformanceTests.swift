import CentramPluginAPI
import CentramPluginTesting
import MergeOperators_ArceeFusion
import MergeOperators_Breadcrumbs
import MergeOperators_BreadcrumbsTies
import MergeOperators_CoreSpace
import MergeOperators_DareLinear
import MergeOperators_DareTies
import MergeOperators_Della
import MergeOperators_DellaLinear
import MergeOperators_Karcher
import MergeOperators_Linear
import MergeOperators_LoraCat
import MergeOperators_LoraSVD
import MergeOperators_ModelStock
import MergeOperators_MultiSlerp
import MergeOperators_NearSwap
import MergeOperators_NuSlerp
import MergeOperators_Passthrough
import MergeOperators_Peft
import MergeOperators_Ram
import MergeOperators_RamPlusTl
import MergeOperators_Sce
import MergeOperators_Slerp
import MergeOperators_TaskArithmetic
import MergeOperators_Ties
import Testing

@Suite struct MergeConformanceTests {
  nonisolated(unsafe) private static let descriptors: [UnsafePointer<centram_descriptor_t>] = [
    MergeOperators_ArceeFusion.centramPluginDescriptor(), MergeOperators_Breadcrumbs.centramPluginDescriptor(), MergeOperators_BreadcrumbsTies.centramPluginDescriptor(),
    MergeOperators_CoreSpace.centramPluginDescriptor(), MergeOperators_DareLinear.centramPluginDescriptor(), MergeOperators_DareTies.centramPluginDescriptor(),
    MergeOperators_Della.centramPluginDescriptor(), MergeOperators_DellaLinear.centramPluginDescriptor(), MergeOperators_Karcher.centramPluginDescriptor(),
    MergeOperators_Linear.centramPluginDescriptor(), MergeOperators_LoraCat.centramPluginDescriptor(), MergeOperators_LoraSVD.centramPluginDescriptor(),
    MergeOperators_ModelStock.centramPluginDescriptor(), MergeOperators_MultiSlerp.centramPluginDescriptor(), MergeOperators_NearSwap.centramPluginDescriptor(),
    MergeOperators_NuSlerp.centramPluginDescriptor(), MergeOperators_Passthrough.centramPluginDescriptor(), MergeOperators_Peft.centramPluginDescriptor(),
    MergeOperators_Ram.centramPluginDescriptor(), MergeOperators_RamPlusTl.centramPluginDescriptor(), MergeOperators_Sce.centramPluginDescriptor(),
    MergeOperators_Slerp.centramPluginDescriptor(), MergeOperators_TaskArithmetic.centramPluginDescriptor(), MergeOperators_Ties.centramPluginDescriptor(),
  ]
  static let ids = descriptors.map { String(cString: $0.pointee.id) }

  static func factory(_ id: String) throws -> MergeOperatorConformance.Factory {
    let descriptor = try #require(descriptors.first { String(cString: $0.pointee.id) == id })
    guard case .mergeOperator(let make) = try capability(descriptor) else { throw PluginError(.invalid, "\(id) is not a merge operator") }
    return make
  }

  @Test func thereAreTwentyFour() { #expect(Set(Self.ids).count == 24) }

  @Test(arguments: ids) func everyMergeOperatorKeepsItsPromises(id: String) async throws {
    let results = await MergeOperatorConformance(make: try Self.factory(id)).run()
    #expect(results.count == MergeOperatorConformance.checkNames.count)
    #expect(results.filter(\.failed) == [])
    // It is judged by more than what it says of itself.
    #expect(results.count { $0.outcome == .passed } > 7)
  }
}

extension MergeConformanceTests {
  /// The types that work on adapters of different ranks; those that draw among them.
  @Test(arguments: ["cat", "ties_svd", "dare_linear_svd", "dare_ties_svd", "magnitude_prune_svd"]) func peftKeepsItsPromisesWithEachType(type: String) async throws {
    var options = MergeOperatorConformance.Options()
    options.parameters = ["combination_type": .string(type), "density": .number(0.5)]
    if type != "cat" { options.exempt = ["adapter-identity": "half of the elements are left out"] }
    #expect(await MergeOperatorConformance(options: options, make: try Self.factory("merge.peft")).failures() == [])
  }
}

/// The suite's own tests: it is none if it lets wrong operators pass.
@Suite struct WrongMergeOperatorTests {
  private static var options: MergeOperatorConformance.Options {
    var options = MergeOperatorConformance.Options()
    options.rows = 16
    return options
  }

  static func suite(_ mutation: MergeMutation?) -> MergeOperatorConformance {
    let memory = WrongMemory()
    return MergeOperatorConformance(options: options) { (environment) throws(PluginError) in try WrongOperator(mutation, memory, configurationJSON: environment.configurationJSON) }
  }

  static func suite(_ mutation: AdapterMutation) throws -> MergeOperatorConformance {
    let make = try MergeConformanceTests.factory("merge.lora_svd")
    return MergeOperatorConformance(options: options) { (environment) throws(PluginError) in
      guard let base = try make(environment) as? any AdapterMerging & AdapterExtracting else { throw PluginError(.invalid, "not both abilities") }
      return WrongAdapterOperator(base, mutation)
    }
  }

  @Test func theRightOperatorPasses() async { #expect(await Self.suite(nil).failures() == []) }

  @Test func eachCheckFindsAFaultThatNoOtherFinds() async throws {
    var report = MutationReport()
    for mutation in MergeMutation.allCases {
      let failed = Set(await Self.suite(mutation).failures().map(\.check))
      #expect(failed.contains(mutation.caughtBy), "\(mutation) was not caught by \(mutation.caughtBy), only by \(failed.sorted())")
      report.add(mutation.rawValue, failed)
    }
    for mutation in AdapterMutation.allCases {
      let failed = Set(await (try Self.suite(mutation)).failures().map(\.check))
      #expect(failed.contains(mutation.caughtBy), "\(mutation) was not caught by \(mutation.caughtBy), only by \(failed.sorted())")
      report.add(mutation.rawValue, failed)
    }
    #expect(report.notCaughtAlone(MergeOperatorConformance.checkNames) == [], "\(report)")
  }
}
