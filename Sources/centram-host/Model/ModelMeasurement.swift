internal import CentramModel
internal import Foundation

/// How fast a model runs here: the best of several repetitions, since a busy machine only ever takes time away.
struct ModelMeasurement: Encodable {
  let model: String, profile: String, threads: Int, promptTokens: Int, generatedTokens: Int, repetitions: Int
  /// From before the files are opened until the model can be run.
  let loadSeconds: Double
  /// From before the files are opened to the first logits after `firstPromptTokens`, the tokenizer included: what a person waits
  /// for who starts the program.
  let firstTokenSeconds: Double
  let firstPromptTokens: Int
  let prefillTokensPerSecond: Double
  let decodeTokensPerSecond: Double
  /// The most memory that was ever resident, mapped weights among it.
  let peakResidentBytes: Int
  /// Tasks that wanted a core, over the last minute.
  let loadAverage: Double

  /// - Parameters:
  ///   - prompt: tokens of the prompt that is timed, 1 or more.
  ///   - tokens: tokens that are generated after it, 1 or more.
  init(path: String, profile: NumericProfile, threads: Int, prompt: Int, tokens: Int, repetitions: Int) throws {
    let clock = ContinuousClock(), start = clock.now
    func seconds(since instant: ContinuousClock.Instant) -> Double {
      let (whole, fraction) = (clock.now - instant).components
      return Double(whole) + Double(fraction) * 1e-18
    }
    let files = try ModelFiles(path: path)
    let language = try LanguageModel(configuration: files.configuration, weights: files.weights)
    let engine = try Engine(model: language, threads: threads, profile: profile)
    let cache = try KeyValueCache(model: language, capacity: max(prompt + tokens, 16))
    loadSeconds = seconds(since: start)
    let random = Self.tokens(max(prompt, 16), below: language.configuration.vocabulary)
    // A file may have no tokenizer; then numbers have to do.
    let text = try? files.tokenizer().encode("The first thing that one notices is").prefix(8)
    let first = text.map(Array.init) ?? Array(random[..<8])
    firstPromptTokens = first.count
    _ = try engine.step([StepInput(tokens: first, cache: cache)])
    firstTokenSeconds = seconds(since: start)

    var prefill = Double.infinity, decode = Double.infinity
    for _ in 0..<repetitions {
      cache.truncate(to: 0)
      var instant = clock.now
      _ = try engine.step([StepInput(tokens: Array(random[..<prompt]), cache: cache)])
      prefill = min(prefill, seconds(since: instant))
      instant = clock.now
      for token in 0..<tokens { _ = try engine.step([StepInput(tokens: [random[token % random.count]], cache: cache)]) }
      decode = min(decode, seconds(since: instant))
    }
    (self.model, self.profile, self.threads) = (path, profile.rawValue, threads)
    (promptTokens, generatedTokens, self.repetitions) = (prompt, tokens, repetitions)
    (prefillTokensPerSecond, decodeTokensPerSecond) = (Double(prompt) / prefill, Double(tokens) / decode)
    peakResidentBytes = Self.peakResidentBytes()
    var load = [0.0]
    loadAverage = getloadavg(&load, 1) == 1 ? load[0] : 0
  }

  /// Not of getrusage, which counts what the parent had before it started this program.
  private static func peakResidentBytes() -> Int {
    let lines = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8))?.split(separator: "\n") ?? []
    let fields = lines.first { $0.hasPrefix("VmHWM:") }?.split(separator: " ") ?? []
    return fields.count > 1 ? (Int(fields[1].trimmingCharacters(in: .whitespaces)) ?? 0) * 1024 : 0
  }

  /// The same tokens every time. Which they are does not matter to the time.
  private static func tokens(_ count: Int, below vocabulary: Int) -> [Int32] {
    var state: UInt64 = 1
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int32(state >> 33) % Int32(vocabulary)
    }
  }
}
