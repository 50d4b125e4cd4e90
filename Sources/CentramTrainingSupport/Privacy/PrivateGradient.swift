public import CentramPluginAPI

/// The gradient of differentially private training (Abadi et al., 2016, https://arxiv.org/abs/1607.00133): a Poisson sample
/// of the sequences, each one's gradient bounded in norm, their sum with Gaussian noise, divided by the expected size.
public struct PrivateGradient: GradientSource {
  let request: TrainingRequest
  let length: Int
  /// Sequences a sample has on average; the divisor, whatever a sample's real size is.
  public let expectedBatch: Int
  /// Sequences an accumulation.
  let microbatch: Int
  public let noiseMultiplier: Double, clipNorm: Double
  public var samplingRate: Double { min(1, Double(expectedBatch) / Double(request.data.count)) }

  public init(_ request: TrainingRequest, length: Int, expectedBatch: Int, microbatch: Int, noiseMultiplier: Double, clipNorm: Double) {
    (self.request, self.length, self.expectedBatch, self.microbatch) = (request, length, expectedBatch, microbatch)
    (self.noiseMultiplier, self.clipNorm) = (noiseMultiplier, clipNorm)
  }

  public func gradient(step: Int, of tensors: [TrainableTensor]) async throws(PluginError) -> (loss: Double?, tokens: Int) {
    let sample = SeededRandom(seed: request.seed, purpose: "poisson").poissonSample(step: step, count: request.data.count, rate: samplingRate)
    var sum = 0.0
    for start in stride(from: 0, to: sample.count, by: microbatch) {
      let part = Array(sample[start..<min(start + microbatch, sample.count)])
      let found = try await accumulate(part, clipNorm: clipNorm)
      sum += found.loss * Double(part.count)
    }
    SeededRandom(seed: request.seed, purpose: "noise").addGaussian(to: tensors, deviation: noiseMultiplier * clipNorm, step: step)
    Gradients.scale(tensors, by: 1 / (samplingRate * Double(request.data.count)))
    return (sample.isEmpty ? nil : sum / Double(sample.count), sample.count * length)
  }

  /// Norms are bounded by the model; what it says of them is checked.
  private func accumulate(_ part: [Int], clipNorm: Double) async throws(PluginError) -> (loss: Double, norms: [Double]) {
    var tokens: [Int32] = []
    for index in part { tokens += try request.data.sequence(index, length: length) }
    let found = try await request.model.accumulate(tokens: tokens, batch: part.count, length: length, clipNorm: clipNorm)
    guard found.norms.count == part.count else {
      throw PluginError(.unsupported, "the model gave \(found.norms.count) gradient norms for \(part.count) sequences; without them nothing private can be trained")
    }
    if let bad = zip(part, found.norms).first(where: { !$0.1.isFinite }) {
      throw PluginError(.invalid, "the gradient's norm of sequence \(bad.0) is \(bad.1)")
    }
    guard found.loss.isFinite else { throw PluginError(.invalid, "the loss of sequences \(part) is \(found.loss)") }
    return found
  }

  /// The median norm of the gradients of up to `count` sequences drawn by the seed. It looks at the data without noise, so an account
  /// does not cover it; a record says so.
  public func medianNorm(of count: Int, tensors: [TrainableTensor]) async throws(PluginError) -> Double {
    let total = request.data.count
    let chosen = SeededRandom(seed: request.seed, purpose: "median").choose(min(count, total), of: total).sorted()
    var norms: [Double] = []
    for start in stride(from: 0, to: chosen.count, by: microbatch) {
      norms += try await accumulate(Array(chosen[start..<min(start + microbatch, chosen.count)]), clipNorm: 1e30).norms
    }
    Gradients.zero(tensors)
    norms.sort()
    let median = norms.count % 2 == 1 ? norms[norms.count / 2] : (norms[norms.count / 2 - 1] + norms[norms.count / 2]) / 2
    guard median > 0 else { throw PluginError(.invalid, "the median norm of \(norms.count) gradients is 0, so there is nothing to learn; give clip_norm a number") }
    return median
  }
}
