internal import ArgumentParser
internal import CentramModel
internal import CentramNode
internal import Foundation

/// Which model, and how it is run.
struct RunOptions: ParsableArguments {
  @Option(help: "Threads; results do not depend on it. Default: one a core.") var threads: Int?
  @Option(help: ArgumentHelp("exact: float32 arithmetic. int8: activations rounded to 8 bits before quantised weights; faster.", valueName: "exact|int8"))
  var profile: Profile = .exact
  @OptionGroup var store: StoreOptions

  enum Profile: String, ExpressibleByArgument, CaseIterable {
    case exact, int8
    var numeric: NumericProfile { self == .exact ? .exact : .int8 }
  }

  func load(_ name: String) throws -> LoadedModel {
    try LoadedModel(path: store.store().location(name), threads: threads ?? ProcessInfo.processInfo.activeProcessorCount, profile: profile.numeric)
  }

  /// Where adapters are that a user names.
  func location(_ name: String) throws -> String { try store.store().location(name) }

  func adapters(_ names: [String], of model: LoadedModel) throws -> [AppliedAdapter] {
    try names.map { try model.adapter(AdapterReference($0), location: location) }
  }
}

/// A causal mixture of the base and adapters.
struct MixtureOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Mix the base and these adapters causally, by what each foretold so far; NAME_OR_PATH[:SCALE], separated by commas.", valueName: "adapters"))
  var mixture: String?
  @Option(help: ArgumentHelp("Priors of the experts, the base's first, in any unit. Default: equal.", valueName: "numbers")) var mixturePriors: String?
  @Flag(help: "Leave the base out of the mixture.") var mixtureWithoutBase = false
  @Flag(help: "After 16 bytes go on with the best two experts.") var mixturePrune = false

  func experts(_ model: LoadedModel, location: (String) throws -> String) throws -> [MixtureExpert]? {
    guard let mixture else {
      guard mixturePriors == nil, !mixtureWithoutBase, !mixturePrune else { throw GenerationError(.parameter, "priors and pruning belong to --mixture, which is missing") }
      return nil
    }
    return try model.experts(mixture, withBase: !mixtureWithoutBase, location: location)
  }

  func priors() throws -> [Double]? {
    try mixturePriors.map { text in
      try text.split(separator: ",").map { part in
        guard let value = Double(part.trimmingCharacters(in: .whitespaces)) else { throw GenerationError(.parameter, "--mixture-priors \(text): numbers separated by commas") }
        return value
      }
    }
  }

  var keptExperts: Int? { mixturePrune ? 2 : nil }
}
