// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import Foundation
import Synchronization

/// A model small enough to train in no time: the logits of the next token are a row of W + scale · B · A, chosen by the token before.
/// Full training changes W, an adapter B and A. One call at a time.
final class SuiteModel: TrainableModel, @unchecked Sendable {
  static let vocabulary = 8
  /// What may go wrong, before an accumulation of a number from 0; `.nan` as a loss.
  enum Fault: Sendable { case none, error(PluginError), notANumber }

  private let base: SuiteTensors
  private var adapter: SuiteTensors?
  private var rank = 0, scale: Float = 1, freezesA = false
  private let fault: @Sendable (Int) -> Fault
  private(set) var accumulations = 0, clipNorms: [Double?] = []
  private let original: [UInt32]

  init(seed: UInt64, fault: @escaping @Sendable (Int) -> Fault = { _ in .none }) {
    var random = SuiteRandom(seed)
    let v = Self.vocabulary
    base = SuiteTensors([("w", [v, v], (0..<v * v).map { _ in 0.5 * random.float() })])
    (self.fault, original) = (fault, base.bits)
  }

  var hasAdapter: Bool { adapter != nil }
  var baseIsUnchanged: Bool { base.bits == original }
  var tensors: [TrainableTensor] { adapter.map { freezesA ? [$0.all[1]] : $0.all } ?? base.all }
  /// Of everything that is trained.
  var bits: [UInt32] { (adapter ?? base).bits }

  func attachAdapter(configurationJSON: String, seed: UInt64) throws(PluginError) {
    guard let object = try? JSONSerialization.jsonObject(with: Data(configurationJSON.utf8)) as? [String: Any], let rank = object["r"] as? Int, (1...4096).contains(rank) else {
      throw PluginError(.invalid, "no adapter_config.json with a rank r: \(configurationJSON)")
    }
    (self.rank, scale, freezesA) = (rank, Float(object["lora_alpha"] as? Double ?? Double(rank)) / Float(rank), object["freeze_a"] as? Bool ?? false)
    var random = SuiteRandom(seed)
    let v = Self.vocabulary
    adapter = SuiteTensors([
      ("base_model.model.w.lora_A.weight", [rank, v], (0..<rank * v).map { _ in 0.5 * random.float() }),
      ("base_model.model.w.lora_B.weight", [v, rank], Array(repeating: 0, count: v * rank)),
    ])
  }

  func accumulate(tokens: [Int32], batch: Int, length: Int, clipNorm: Double?) async throws(PluginError) -> (loss: Double, norms: [Double]) {
    let fault = fault(accumulations)
    accumulations += 1
    clipNorms.append(clipNorm)
    if case .error(let error) = fault { throw error }
    guard batch >= 0, length >= 0, tokens.count == batch * length else { throw PluginError(.shapeMismatch, "\(tokens.count) tokens do not make \(batch) × \(length)") }
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
    if case .notANumber = fault {
      for tensor in tensors { tensor.gradient.update(repeating: .nan) }
      return (.nan, norms)
    }
    return (count > 0 ? loss / Double(count) : 0, norms)
  }

  func loss(tokens: [Int32], batch: Int, length: Int) async throws(PluginError) -> Double {
    let found = (0..<batch).map { pass(tokens[$0 * length..<($0 + 1) * length]) }
    return found.reduce(0) { $0 + $1.loss } / Double(max(1, found.reduce(0) { $0 + $1.count }))
  }

  /// Loss summed over counted tokens, and its gradient by the rows of W.
  private func pass(_ row: ArraySlice<Int32>) -> (loss: Double, count: Int, gradient: [Float]) {
    let v = Self.vocabulary
    var gradient = [Float](repeating: 0, count: v * v), loss = 0.0, count = 0
    var before: Int?
    for id in row {
      let token = Int(id < 0 ? ~id : id) % v
      if let before, id >= 0 {
        let logits = logits(before), largest = logits.max() ?? 0
        let sum = logits.reduce(0) { $0 + exp(Double($1 - largest)) }
        loss += log(sum) - Double(logits[token] - largest)
        count += 1
        for j in 0..<v { gradient[before * v + j] += Float(exp(Double(logits[j] - largest)) / sum) - (j == token ? 1 : 0) }
      }
      before = token
    }
    return (loss, count, gradient)
  }

  private func logits(_ token: Int) -> [Float] {
    let v = Self.vocabulary
    var row = Array(base.all[0].values[token * v..<(token + 1) * v])
    guard let adapter else { return row }
    for k in 0..<rank {
      let b = scale * adapter.all[1].values[token * rank + k]
      for j in 0..<v { row[j] += b * adapter.all[0].values[k * v + j] }
    }
    return row
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
}

/// Tensors with gradients, which live as long as this.
private final class SuiteTensors {
  let all: [TrainableTensor]
  init(_ tensors: [(name: String, shape: [Int], values: [Float])]) {
    all = tensors.map { tensor in
      let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: tensor.values.count), gradient = UnsafeMutableBufferPointer<Float>.allocate(capacity: tensor.values.count)
      _ = values.initialize(from: tensor.values)
      gradient.initialize(repeating: 0)
      return TrainableTensor(name: tensor.name, shape: tensor.shape, values: values, gradient: gradient)
    }
  }
  deinit {
    for tensor in all {
      tensor.values.deallocate()
      tensor.gradient.deallocate()
    }
  }
  var bits: [UInt32] { all.flatMap { $0.values.map(\.bitPattern) } }
}

/// Rows in which a token is mostly followed by the next one. Notes what is asked for that there is not.
final class SuiteTokens: TokenStream {
  let count = 40
  private let error: PluginError?
  private let fault = Mutex<String?>(nil)
  /// - Parameter error: what each batch from the third on, and each sequence, ends with.
  init(error: PluginError? = nil) { self.error = error }
  var faultFound: String? { fault.withLock { $0 } }

  func sequence(_ index: Int, length: Int) throws(PluginError) -> [Int32] {
    guard (0..<count).contains(index), length > 0 else {
      fault.withLock { $0 = "sequence \(index) of length \(length) was asked for, there are \(count)" }
      throw PluginError(.invalid, "no sequence \(index) of length \(length)")
    }
    if let error { throw error }
    return row(index, length)
  }

  func batch(step: Int, batch: Int, length: Int) throws(PluginError) -> [Int32] {
    guard batch > 0, length > 0 else {
      fault.withLock { $0 = "a batch of \(batch) × \(length) was asked for" }
      throw PluginError(.invalid, "no batch of \(batch) × \(length)")
    }
    guard step >= -2 else { throw PluginError(.unavailable, "no more held-out data") }
    if let error, step > 1 { throw error }
    return (0..<batch).flatMap { row(step >= 0 ? (step * batch + $0) % count : 1000 + ~step * batch + $0, length) }
  }

  private func row(_ index: Int, _ length: Int) -> [Int32] {
    var random = SuiteRandom(UInt64(index))
    var token = Int32(index % SuiteModel.vocabulary)
    return (0..<length).map { position in
      token = random.below(8) == 0 ? Int32(random.below(SuiteModel.vocabulary)) : (token + 1) % Int32(SuiteModel.vocabulary)
      return index % 5 == 0 && position < length / 2 ? ~token : token
    }
  }
}

/// Keeps what a trainer says.
final class SuiteObserver: TrainingObserver {
  private let state = Mutex((events: [TrainingEvent](), checkpoints: [[UInt8]]()))
  private let error: PluginError?, onEvent: @Sendable (TrainingEvent) -> Void
  /// - Parameter error: what each checkpoint ends with.
  init(error: PluginError? = nil, onEvent: @escaping @Sendable (TrainingEvent) -> Void = { _ in }) { (self.error, self.onEvent) = (error, onEvent) }

  var events: [TrainingEvent] { state.withLock { $0.events } }
  var checkpoints: [[UInt8]] { state.withLock { $0.checkpoints } }

  func report(_ event: TrainingEvent) {
    state.withLock { $0.events.append(event) }
    onEvent(event)
  }
  func checkpoint(_ bytes: [UInt8]) throws(PluginError) {
    if let error { throw error }
    state.withLock { $0.checkpoints.append(bytes) }
  }
}
