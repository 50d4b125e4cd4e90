// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import Dispatch
import Synchronization

extension MergeCheck {
  /// The same request has the same answer.
  static let repeating: [MergeCheck] = [
    .tensors("repeatable") { scene, operation in
      let shape = [9, 61], inputs = scene.inputs(shape)
      for choice in MergeScene.Choice.allCases {
        let one = try scene.merge(operation, inputs, shape, choice), other = try scene.merge(scene.another(), inputs, shape, choice)
        try requireSameBits(other, one, "the same bits from two instances")
      }
    },
    .tensors("other-tensors") { scene, operation in
      let shape = [9, 61], other = [4, 7]
      for choice in MergeScene.Choice.allCases {
        let alone = try scene.merge(operation, scene.inputs(shape), shape, choice)
        _ = try scene.merge(operation, scene.inputs(other, seed: 5), other, choice, tensor: "suite.other")
        let after = try scene.merge(operation, scene.inputs(shape), shape, choice)
        try requireSameBits(after, alone, "the same bits after another tensor was merged by the same instance")
      }
    },
    .tensors("side-by-side") { scene, _ in
      let shape = [9, 61], lanes = 4
      let inputs = (0..<lanes).map { scene.inputs(shape, seed: UInt64($0)) }
      let instances = try inputs.map { _ in try scene.another() }
      let expected = try zip(instances, inputs).map { try scene.merge($0, $1, shape) }
      let finding = Mutex<(any Error)?>(nil)
      DispatchQueue.concurrentPerform(iterations: lanes) { lane in
        do {
          for _ in 0..<5 {
            let found = try scene.merge(instances[lane], inputs[lane], shape)
            try requireSameBits(found, expected[lane], "the same bits where \(lanes) instances merge at once")
          }
        } catch { finding.withLock { [error] in $0 = $0 ?? error } }
      }
      if let found = finding.withLock({ $0 }) { throw found }
    },
  ]

  /// Random operators draw by the seed and the tensor's name; the others draw nothing.
  static let drawing: [MergeCheck] = [
    .tensors("seed") { scene, operation in
      let shape = [9, 61], inputs = scene.inputs(shape)
      var differs = false
      for choice in MergeScene.Choice.allCases {
        let one = try scene.merge(operation, inputs, shape, choice, seed: 1)
        for seed in 2...5 as ClosedRange<UInt64> {
          let other = try scene.merge(operation, inputs, shape, choice, seed: seed)
          if !scene.isRandom { try requireSameBits(other, one, "the seed not to matter, for the operator does not say that it draws") }
          differs = differs || bits(other) != bits(one)
        }
        try requireSameBits(try scene.merge(operation, inputs, shape, choice, seed: 1), one, "the same bits from the same seed")
      }
      try require(differs || !scene.isRandom, "another output from another seed, for the operator says that it draws", "five seeds gave the same bits")
    },
    .tensors("seed-by-tensor") { scene, operation in
      let shape = [9, 61], inputs = scene.inputs(shape)
      var differs = false
      for choice in MergeScene.Choice.allCases {
        let one = try scene.merge(operation, inputs, shape, choice)
        for name in ["suite.weighu", "model.layers.0.mlp.up_proj.weight"] {
          let other = try scene.merge(operation, inputs, shape, choice, tensor: name)
          if !scene.isRandom { try requireSameBits(other, one, "the tensor's name not to matter, for the operator does not say that it draws") }
          differs = differs || bits(other) != bits(one)
        }
      }
      try require(differs || !scene.isRandom, "other draws for another tensor with the same seed", "three names gave the same bits")
    },
    .tensors("masks") { scene, operation in
      guard scene.isRandom else { throw Finding.skipped("it does not draw") }
      let shape = [9, 61], inputs = scene.inputs(shape)
      func merged(_ masks: SuiteMasks, seed: UInt64 = 1) throws -> [Float] { try scene.merge(operation, inputs, shape, .middles, seed: seed, masks: masks) }
      let masks = SuiteMasks(.random(1), count: 9 * 61), one = try merged(masks)
      if let fault = masks.fault { throw Finding.failed("masks to be asked for by tensor, model and place", fault) }
      try require(masks.wasAsked, "given masks to be asked for", "none was")
      try requireSameBits(try merged(SuiteMasks(.random(1), count: 9 * 61), seed: 2), one, "given masks to decide alone, whatever the seed")
      try require(bits(try merged(SuiteMasks(.random(2), count: 9 * 61))) != bits(one), "other masks to give another output", "it was the same")
      try requireSameBits(
        try merged(SuiteMasks(.none, count: 9 * 61)), try scene.merge(operation, inputs, shape, .middles, seed: 1), "own draws where the provider has no mask")
    },
  ]
}

/// Masks by model and place.
final class SuiteMasks: MaskProvider {
  enum Kind: Sendable { case random(UInt64), none }
  private let kind: Kind, count: Int
  private let state = Mutex((wasAsked: false, fault: String?.none))
  init(_ kind: Kind, count: Int) { (self.kind, self.count) = (kind, count) }

  var wasAsked: Bool { state.withLock { $0.wasAsked } }
  var fault: String? { state.withLock { $0.fault } }

  func fill(_ mask: UnsafeMutableBufferPointer<UInt8>, tensor: String, model: String, offset: Int) -> Bool {
    let isKnown = tensor == "suite.weight" && model.hasPrefix("model") && offset >= 0 && offset + mask.count <= count
    state.withLock { state in
      state.wasAsked = true
      if !isKnown { state.fault = "it asked for \(mask.count) elements at \(offset) of \(count), tensor \(tensor), model \(model)" }
    }
    guard case .random(let seed) = kind, isKnown else { return false }
    let model = UInt64(model.utf8.last ?? 0)
    for index in mask.indices {
      var random = SuiteRandom(seed << 32 ^ model << 24 ^ UInt64(offset + index))
      mask[index] = UInt8(random.next() >> 63)
    }
    return true
  }
}
