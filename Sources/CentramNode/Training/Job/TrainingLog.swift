public import CentramPluginAPI
internal import Foundation
internal import Synchronization

/// log.jsonl: a line of JSON for each step and each validation.
final class TrainingLog: Sendable {
  private struct Line: Codable {
    var step: Int
    var loss: Double?, validationLoss: Double?, perplexity: Double?, tokensPerSecond: Double?, learningRate: Double?, message: String?
  }

  private let path: String
  private let descriptor: Int32
  private let failure = Mutex<TrainingJobError?>(nil)
  private let start: Mutex<Double?>

  /// The validation loss before the first step, in nat a token; nil where there was none.
  var startLoss: Double? { start.withLock { $0 } }

  /// - Parameter step: of the checkpoint that is gone on from: what comes after it is taken out, for it happens again.
  init(path: String, after step: Int) throws(TrainingJobError) {
    self.path = path
    var known: Double?
    if let data = FileManager.default.contents(atPath: path) {
      let lines = data.split(separator: 0x0a).filter { line in
        guard let read = try? JSONDecoder().decode(Line.self, from: Data(line)), read.step <= step else { return false }
        if read.step == 0, let loss = read.validationLoss { known = loss }
        return true
      }
      do { try Data(lines.joined(separator: [0x0a]) + (lines.isEmpty ? [] : [0x0a])).write(to: URL(fileURLWithPath: path), options: .atomic) } catch {
        throw TrainingJobError(.output, "\(path): \(error.localizedDescription)")
      }
    }
    start = Mutex(known)
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw TrainingFolder.failure(path) }
  }

  deinit { close(descriptor) }

  func add(_ event: TrainingEvent) {
    if event.step == 0, let loss = event.validationLoss { start.withLock { $0 = loss } }
    var line = Line(step: event.step)
    (line.loss, line.validationLoss, line.tokensPerSecond, line.message) = (event.loss, event.validationLoss, event.tokensPerSecond, event.message)
    line.learningRate = event.learningRate
    if line.learningRate != nil { line.message = nil }
    line.perplexity = (event.validationLoss ?? event.loss).map(exp)
    // JSON has no NaN; the training ends with such a loss anyway.
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let data = try? encoder.encode(line) else { return }
    do throws(TrainingJobError) { try TrainingFolder.write(Array(data) + [0x0a], to: descriptor, path) } catch {
      failure.withLock { $0 = $0 ?? error }
    }
  }

  /// The first line that could not be written, as an error.
  func check() throws(TrainingJobError) { if let error = failure.withLock({ $0 }) { throw error } }
}

extension TrainingEvent {
  /// What trainers here say as `learning rate 0.001`.
  public var learningRate: Double? {
    guard let message, message.hasPrefix("learning rate ") else { return nil }
    return Double(message.dropFirst("learning rate ".count))
  }
}
