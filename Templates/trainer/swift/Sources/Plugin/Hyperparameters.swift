// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import Foundation

/// What a user may set. The names are those that other trainers use.
struct Hyperparameters: Sendable {
  static let specifications = [
    ParameterSpecification("steps", .integer, default: .number(100), limits: 1...1_000_000, "steps in all"),
    ParameterSpecification("batch", .integer, default: .number(8), limits: 1...4096, "sequences a step"),
    ParameterSpecification("length", .integer, default: .number(128), limits: 2...65_536, "tokens a sequence"),
    ParameterSpecification("learning_rate", .number, default: .number(0.1), limits: 0...100, "what a step takes of the gradient"),
    ParameterSpecification("rank", .integer, default: .number(8), limits: 1...256, "the adapter's rank"),
    ParameterSpecification("checkpoint_every", .integer, default: .number(0), limits: 0...1_000_000, "steps between checkpoints; 0: none but when stopped"),
  ]

  let steps: Int, batch: Int, length: Int, rank: Int, checkpointEvery: Int
  let learningRate: Double

  /// - Throws: `.invalid` where the text is no JSON object of numbers, or a number is unknown or beyond its limits.
  init(json: String, _ specifications: [ParameterSpecification]) throws(PluginError) {
    guard var given = try? JSONDecoder().decode([String: Double].self, from: Data(json.utf8)) else {
      throw PluginError(.invalid, "the settings are not a JSON object of numbers: \(json.prefix(80))")
    }
    var values: [String: Double] = [:]
    for specification in specifications {
      guard case .number(let standard) = specification.defaultValue, let limits = specification.limits else { continue }
      let value = given.removeValue(forKey: specification.name) ?? standard
      guard limits.contains(value), specification.type == .number || value == value.rounded() else {
        throw PluginError(
          .invalid,
          "\(specification.name) is \(value); it is a \(specification.type == .number ? "" : "whole ")number from \(limits.lowerBound) to \(limits.upperBound)")
      }
      values[specification.name] = value
    }
    if let unknown = given.keys.min() { throw PluginError(.invalid, "there is no setting \(unknown.prefix(60))") }
    func whole(_ name: String) -> Int { Int(values[name] ?? 0) }
    (steps, batch, length) = (whole("steps"), whole("batch"), whole("length"))
    (rank, checkpointEvery, learningRate) = (whole("rank"), whole("checkpoint_every"), values["learning_rate"] ?? 0)
  }
}
