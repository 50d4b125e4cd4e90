internal import CentramGenome
internal import CentramStore
internal import Foundation

/// What a node remembers of its measuring: the secret of the hold-out, how far it is used up, and what authors were told. Kept as `evaluation.state`.
struct EvaluationState: Codable, Equatable, Sendable {
  static let name = "evaluation.state"
  /// Authors whose scores are remembered; beyond it those with the lowest go, who lose least by it.
  static let maximumAuthors = 4096

  var version = 1
  /// Hexadecimal digits.
  var secret: String
  /// Judgements since a quarter of the hold-out was replaced, and how often one was.
  var tests = 0, refreshes = 0
  /// The best score in nat a byte that each author was told.
  var released: [String: Double] = [:]

  var secretBytes: [UInt8] { Hexadecimal.bytes(secret.utf8) ?? [] }

  mutating func release(_ score: Double, to author: String) {
    released[author] = score
    while released.count > Self.maximumAuthors, let least = released.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }) { released[least.key] = nil }
  }
}

/// What ran since a genome was merged. Kept as `evaluation.live.ID` from the merge on.
struct LiveState: Codable, Equatable, Sendable {
  static func name(_ genome: String) -> String { "evaluation.live.\(genome)" }
  /// Newest requests whose losses are kept.
  static let maximumRequests = 1024

  var version = 1
  /// Unix milliseconds.
  var beganMilliseconds: Int64
  var requests = 0, faults = 0
  /// Losses in nat a byte, paired.
  var before: [Double] = [], after: [Double] = []

  mutating func add(before: Double, after: Double, isFault: Bool) {
    requests += 1
    if isFault { faults += 1 }
    guard before.isFinite, after.isFinite else { return }
    self.before.append(before)
    self.after.append(after)
    if self.before.count > Self.maximumRequests {
      self.before.removeFirst()
      self.after.removeFirst()
    }
  }
}

/// States as JSON documents.
enum StateDocument {
  static func decode<Value: Decodable>(_ bytes: [UInt8], _ name: String) throws(StoreError) -> Value {
    do { return try JSONDecoder().decode(Value.self, from: Data(bytes)) } catch {
      throw StoreError(.damaged, "the state \(name) of the genome store cannot be read; it was written by another version, or the database was changed by hand")
    }
  }

  static func encode(_ value: some Encodable) throws(StoreError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do { return [UInt8](try encoder.encode(value)) } catch { throw StoreError(.invalid, "a state cannot be written as JSON: \(error)") }
  }
}
