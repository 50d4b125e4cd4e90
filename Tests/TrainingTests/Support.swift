import CentramModel
import CentramPluginAPI
import CentramTrainingSupport
import Testing

extension TrainingTensor {
  var valueList: [Float] { Array(UnsafeBufferPointer(start: values, count: count)) }
  var gradientList: [Float] { Array(UnsafeBufferPointer(start: gradients, count: count)) }
  func set(_ list: [Float]) {
    precondition(list.count == count)
    list.withUnsafeBufferPointer { values.update(from: $0.baseAddress!, count: count) }
  }
}

extension TrainingEngine {
  /// The gradients' bits, tensor after tensor.
  var gradientBits: [UInt32] { tensors.flatMap { $0.gradientList.map(\.bitPattern) } }
  var valueBits: [UInt32] { tensors.flatMap { $0.valueList.map(\.bitPattern) } }
  func tensor(_ name: String) throws -> TrainingTensor { try #require(tensors.first { $0.name == name }) }

  /// Those that an optimiser changes, as the node lends them to a trainer.
  var trainable: [TrainableTensor] {
    tensors.filter(\.isTrained).map {
      TrainableTensor(
        name: $0.name, shape: $0.shape, values: UnsafeMutableBufferPointer(start: $0.values, count: $0.count),
        gradient: UnsafeMutableBufferPointer(start: $0.gradients, count: $0.count))
    }
  }

  /// The trainers' optimiser for them.
  func optimizer(_ settings: AdamW.Settings = .init()) -> AdamW { AdamW(settings, counts: trainable.map(\.values.count)) }

  /// A step as trainers make it: the mean loss, gradients clipped by their norm, AdamW.
  func step(_ optimizer: inout AdamW, inputs: [Int32], targets: [Int32], batch: Int, length: Int, rate: Double, clip: Double?) throws -> Double {
    let tensors = trainable
    Gradients.zero(tensors)
    let pass = try accumulate(inputs: inputs, targets: targets, batch: batch, length: length)
    Gradients.scale(tensors, by: 1 / Double(pass.counted))
    if let clip { Gradients.clip(tensors, to: clip) }
    optimizer.update(tensors, learningRate: rate)
    return pass.meanLoss
  }
}
