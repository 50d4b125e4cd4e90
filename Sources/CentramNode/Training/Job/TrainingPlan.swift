public import CentramPluginAPI
internal import CentramHost
internal import Foundation

/// Everything that decides what a training does: kept in its folder, so that a resume does the same.
public struct TrainingPlan: Codable, Sendable, Equatable {
  public var schema = 1
  /// Id or short name, and once begun the version that did the work.
  public var trainer: String
  public var trainerVersion: String?
  /// A folder or file; nil: from scratch.
  public var model: String?
  /// A family's name where there is no model.
  public var fromScratch: String?
  public var data: String
  /// The trainer's parameters as they were given.
  public var settings: [String: Setting] = [:]
  public var seed: UInt64
  public var masksPrompts = false, packs = false
  public var validationShare = 0.05
  /// A chat template in the place of the model's own.
  public var chatTemplate: String?
  /// A PEFT adapter that the factors start from.
  public var initialAdapter: String?
  /// What an adapter's configuration names as its base, where it is not the model's path.
  public var baseName: String?
  /// Whether the whole model is written beside the difference.
  public var writesMerged = false
  /// How many layers get factors, counted from the last; nil: all.
  public var lastLayers: Int?
  /// Set when the run begins.
  public var dataHash: String?
  public var length: Int?

  public init(trainer: String, model: String?, fromScratch: String? = nil, data: String, seed: UInt64) {
    (self.trainer, self.model, self.fromScratch, self.data, self.seed) = (trainer, model, fromScratch, data, seed)
  }

  /// A parameter's value in JSON.
  public enum Setting: Codable, Sendable, Equatable {
    case number(Double), boolean(Bool), string(String)

    public init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let flag = try? container.decode(Bool.self) {
        self = .boolean(flag)
      } else if let number = try? container.decode(Double.self) {
        self = .number(number)
      } else {
        self = .string(try container.decode(String.self))
      }
    }
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .number(let value): try container.encode(value)
      case .boolean(let value): try container.encode(value)
      case .string(let value): try container.encode(value)
      }
    }
  }

  /// Reads `key=value` against the trainer's parameters.
  /// - Throws: `.configuration`.
  public static func setting(_ key: String, _ text: String, of specifications: [ParameterSpecification], trainer: String) throws(TrainingJobError) -> Setting {
    guard let specification = specifications.first(where: { $0.name == key }) else {
      throw TrainingJobError(.configuration, unknown(key, specifications, trainer))
    }
    switch specification.type {
    case .boolean:
      guard let flag = ["true": true, "false": false, "1": true, "0": false][text] else { throw TrainingJobError(.configuration, "\(key) is \"\(text)\", not true or false") }
      return .boolean(flag)
    case .number, .integer:
      guard let number = Double(text), number.isFinite else { throw TrainingJobError(.configuration, "\(key) is \"\(text)\", not a number") }
      if specification.type == .integer, Int(exactly: number) == nil { throw TrainingJobError(.configuration, "\(key) is \(text), not a whole number") }
      if let limits = specification.limits, !limits.contains(number) {
        throw TrainingJobError(.configuration, "\(key) is \(text), not between \(ParameterValue.number(limits.lowerBound)) and \(ParameterValue.number(limits.upperBound))")
      }
      return .number(number)
    default: return .string(text)
    }
  }

  static func unknown(_ key: String, _ specifications: [ParameterSpecification], _ trainer: String) -> String {
    let names = specifications.map(\.name).sorted()
    return "\(trainer) has no parameter \(key)" + CentramHost.NearestName.hint(for: key, among: names) + "; known are \(names.joined(separator: ", "))"
  }

  /// The settings as the trainer gets them.
  func settingsJSON(_ more: [String: Setting]) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let all = settings.merging(more) { given, _ in given }
    return (try? encoder.encode(all)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  func text() -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return ((try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}") + "\n"
  }

  /// What a folder's training was begun with.
  public static func read(folder: String) throws(TrainingJobError) -> TrainingPlan {
    let path = "\(folder)/checkpoints/\(TrainingFolder.descriptionName)"
    guard let data = FileManager.default.contents(atPath: path) else {
      throw TrainingJobError(.configuration, "\(folder): no training was begun there, so none can be resumed")
    }
    guard let plan = try? JSONDecoder().decode(TrainingPlan.self, from: data), plan.schema == 1 else {
      throw TrainingJobError(.configuration, "\(path): not the description of a training of this version; start anew in another folder")
    }
    return plan
  }
}
