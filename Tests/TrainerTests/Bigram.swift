import CentramPluginAPI
import Foundation
import Synchronization

/// A model that one can work out by hand: logits of the next token are the row of the token before, W + scale · B · A.
/// Full training changes W; an adapter changes B and A.
final class Bigram: TrainableModel, @unchecked Sendable {
  static let vocabulary = 12
  let base: Tensors
  private(set) var adapter: Tensors?
  private(set) var configuration = ""
  private var rank = 0, scale: Float = 1, freezesA = false
  /// Called before each accumulation with its number, from 0.
  var onAccumulate: @Sendable (Int) throws(PluginError) -> Void = { (_) throws(PluginError) in }
  private(set) var accumulations = 0
  var seen: [[Int32]] = []
  var clipNorms: [Double?] = []

  init(seed: UInt64 = 5) {
    var random = TestRandom(seed)
    base = Tensors([("w", [Self.vocabulary, Self.vocabulary], (0..<Self.vocabulary * Self.vocabulary).map { _ in Float.random(in: -0.5...0.5, using: &random) })])
  }

  var tensors: [TrainableTensor] {
    guard let adapter else { return base.all }
    return freezesA ? [adapter.all[1]] : adapter.all
  }

  /// The bits of everything that is trained.
  var bits: [UInt32] { tensors.flatMap { $0.values.map(\.bitPattern) } }

  func attachAdapter(configurationJSON: String, seed: UInt64) throws(PluginError) {
    guard let object = try? JSONSerialization.jsonObject(with: Data(configurationJSON.utf8)) as? [String: Any], let rank = object["r"] as? Int,
      let alpha = object["lora_alpha"] as? Double
    else { throw PluginError(.invalid, "no adapter_config.json: \(configurationJSON)") }
    configuration = configurationJSON
    (self.rank, scale, freezesA) = (rank, Float(alpha) / Float(rank), object["freeze_a"] as? Bool ?? false)
    var random = TestRandom(seed)
    let v = Self.vocabulary
    adapter = Tensors([
      ("base_model.model.w.lora_A.weight", [rank, v], (0..<rank * v).map { _ in Float.random(in: -0.5...0.5, using: &random) }),
      ("base_model.model.w.lora_B.weight", [v, rank], Array(repeating: 0, count: v * rank)),
    ])
  }

  private func logits(_ token: Int) -> [Float] {
    let v = Self.vocabulary
    var row = Array(base.all[0].values[token * v..<(token + 1) * v])
    if let adapter {
      for k in 0..<rank {
        let b = scale * adapter.all[1].values[token * rank + k]
        for j in 0..<v { row[j] += b * adapter.all[0].values[k * v + j] }
      }
    }
    return row
  }

  /// Loss summed over counted tokens, and its gradient by the rows of W.
  private func pass(_ row: ArraySlice<Int32>) -> (loss: Double, count: Int, gradient: [Float]) {
    let v = Self.vocabulary
    var gradient = [Float](repeating: 0, count: v * v), loss = 0.0, count = 0
    var before: Int?
    for id in row {
      let token = Int(id < 0 ? ~id : id)
      if let before, id >= 0 {
        let logits = logits(before), largest = logits.max()!
        let sum = logits.reduce(0) { $0 + exp(Double($1 - largest)) }
        loss += log(sum) - Double(logits[token] - largest)
        count += 1
        for j in 0..<v { gradient[before * v + j] += Float(exp(Double(logits[j] - largest)) / sum) - (j == token ? 1 : 0) }
      }
      before = token
    }
    return (loss, count, gradient)
  }

  /// The gradient by the trained tensors.
  private func trained(_ gradient: [Float]) -> [[Float]] {
    guard let adapter else { return [gradient] }
    let v = Self.vocabulary, a = adapter.all[0].values, b = adapter.all[1].values
    var ga = [Float](repeating: 0, count: rank * v), gb = [Float](repeating: 0, count: v * rank)
    for i in 0..<v {
      for k in 0..<rank {
        for j in 0..<v {
          gb[i * rank + k] += scale * gradient[i * v + j] * a[k * v + j]
          ga[k * v + j] += scale * gradient[i * v + j] * b[i * rank + k]
        }
      }
    }
    return freezesA ? [gb] : [ga, gb]
  }

  func accumulate(tokens: [Int32], batch: Int, length: Int, clipNorm: Double?) async throws(PluginError) -> (loss: Double, norms: [Double]) {
    try onAccumulate(accumulations)
    accumulations += 1
    seen.append(tokens)
    clipNorms.append(clipNorm)
    var loss = 0.0, count = 0, norms: [Double] = []
    for row in 0..<batch {
      let found = pass(tokens[row * length..<(row + 1) * length])
      loss += found.loss
      count += found.count
      var gradients = trained(found.gradient), factor: Float = 1
      if let clipNorm {
        gradients = gradients.map { $0.map { $0 / Float(max(1, found.count)) } }
        let norm = gradients.joined().reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        norms.append(norm)
        factor = Float(min(1, clipNorm / max(norm, 1e-30)))
      }
      for (tensor, gradient) in zip(tensors, gradients) { for index in gradient.indices { tensor.gradient[index] += factor * gradient[index] } }
    }
    return (count > 0 ? loss / Double(count) : 0, norms)
  }

  func loss(tokens: [Int32], batch: Int, length: Int) async throws(PluginError) -> Double {
    var loss = 0.0, count = 0
    for row in 0..<batch {
      let found = pass(tokens[row * length..<(row + 1) * length])
      loss += found.loss
      count += found.count
    }
    return count > 0 ? loss / Double(count) : 0
  }
}

/// Rows in which a token is mostly followed by the next one, some of them half uncounted.
struct Counting: TokenStream {
  var count = 40, heldOut = 3
  func sequence(_ index: Int, length: Int) throws(PluginError) -> [Int32] {
    var random = TestRandom(UInt64(index))
    var token = Int32(index % Bigram.vocabulary)
    return (0..<length).map { position in
      token = Int.random(in: 0..<8, using: &random) == 0 ? Int32.random(in: 0..<Int32(Bigram.vocabulary), using: &random) : (token + 1) % Int32(Bigram.vocabulary)
      return index % 5 == 0 && position < length / 2 ? ~token : token
    }
  }
  func batch(step: Int, batch: Int, length: Int) throws(PluginError) -> [Int32] {
    guard step >= -heldOut else { throw PluginError(.unavailable, "no more held-out data") }
    var tokens: [Int32] = []
    for row in 0..<batch { tokens += try sequence(step >= 0 ? (step * batch + row) % count : 1000 + ~step * batch + row, length: length) }
    return tokens
  }
}

/// Keeps what a trainer says.
final class Watching: TrainingObserver, Sendable {
  let events = Mutex<[TrainingEvent]>([]), states = Mutex<[[UInt8]]>([])
  let onEvent: @Sendable (TrainingEvent) -> Void
  init(_ onEvent: @escaping @Sendable (TrainingEvent) -> Void = { _ in }) { self.onEvent = onEvent }
  func report(_ event: TrainingEvent) {
    events.withLock { $0.append(event) }
    onEvent(event)
  }
  func checkpoint(_ state: [UInt8]) throws(PluginError) { states.withLock { $0.append(state) } }
}

/// A host with a clock that ticks a second a look, and, if so wished, an identity.
struct TestServices: HostServices {
  final class Clock: ClockService {
    private let time = Atomic<UInt64>(0)
    var unixMilliseconds: Int64 { 0 }
    var monotonicNanoseconds: UInt64 { time.add(1_000_000_000, ordering: .relaxed).newValue }
  }
  let clock = Clock()
  var identity: (any IdentityService)?
  func service(_ id: String) -> (any Sendable)? { id == "centram.clock/1" ? clock : id == "centram.identity/1" ? identity : nil }
  func log(_ level: LogLevel, _ message: String) {}
}
