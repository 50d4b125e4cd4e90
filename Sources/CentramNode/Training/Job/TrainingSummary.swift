internal import Foundation

/// training.json beside a result: what it was made with. Its presence says that the result is whole. No seed of a private training.
public struct TrainingSummary: Codable, Sendable, Equatable {
  static let name = "training.json"

  public var schema = 1
  public var trainer: String, trainerVersion: String
  public var centramVersion: String
  public var model: String?, fromScratch: String?
  public var dataHash: String, sequences: Int, tokens: Int, length: Int
  public var settings: [String: TrainingPlan.Setting]
  public var seed: UInt64?
  public var metrics: [String: Double]
  public var files: [String]

  func text() -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return ((try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}") + "\n"
  }
}
