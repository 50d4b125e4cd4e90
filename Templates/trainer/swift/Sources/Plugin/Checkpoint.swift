// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI

/// How far a training is. Beside the tensors' values nothing differs from step to step, since descent has no moments.
struct Checkpoint: Sendable {
  private static let magic: UInt64 = 0x0031_2d44_4753_4354

  let seed: UInt64, steps: Int
  var step = 0
  /// Of the last step.
  var loss = 0.0

  init(seed: UInt64, steps: Int) { (self.seed, self.steps) = (seed, steps) }

  /// Five words, then all values, each little endian.
  func bytes(_ tensors: [TrainableTensor]) -> [UInt8] {
    var bytes: [UInt8] = []
    for word in [Self.magic, seed, UInt64(steps), UInt64(step), loss.bitPattern] {
      for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * UInt64(shift)))) }
    }
    for tensor in tensors {
      for value in tensor.values {
        for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32(shift)))) }
      }
    }
    return bytes
  }

  /// Puts the values back.
  /// - Throws: `.invalid` where the bytes are not a checkpoint of this training.
  func restored(from bytes: [UInt8], to tensors: [TrainableTensor]) throws(PluginError) -> Checkpoint {
    let size = 40 + 4 * tensors.reduce(0) { $0 + $1.values.count }
    guard bytes.count == size else { throw PluginError(.invalid, "the checkpoint has \(bytes.count) bytes; one of this training has \(size)") }
    func word(_ index: Int) -> UInt64 { (0..<8).reduce(0) { $0 | UInt64(bytes[8 * index + $1]) << (8 * UInt64($1)) } }
    guard word(0) == Self.magic, word(1) == seed, word(2) == UInt64(steps), word(3) <= UInt64(steps) else {
      throw PluginError(.invalid, "the checkpoint is of another training: another seed, number of steps or trainer")
    }
    var place = 40
    for tensor in tensors {
      for index in tensor.values.indices {
        tensor.values[index] = Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << (8 * UInt32($1)) })
        place += 4
      }
    }
    var result = self
    (result.step, result.loss) = (Int(word(3)), Double(bitPattern: word(4)))
    return result
  }
}
