import CentramModel
import CentramNode
import Foundation
import Testing

@Suite struct AdaptedSourceTests {
  static func read(_ source: any TensorSource, _ offset: Int, _ count: Int) -> [Float] {
    var values = [Float](repeating: 0, count: count)
    values.withUnsafeMutableBufferPointer { source.read(offset: offset, count: count, into: $0.baseAddress!) }
    return values
  }

  @Test(arguments: [(false, ""), (true, ""), (true, "m"), (false, "m")]) func blocksAnywhereHaveTheSameBits(isTransposed: Bool, magnitudes: String) throws {
    var random = AdapterFactory.Generator(state: 4)
    let hasMagnitudes = !magnitudes.isEmpty
    let adapter = try AdapterFactory.adapter(
      [.init(name: "p", outputs: 13, inputs: 17, rank: 3)], rank: 3, seed: 6, more: "\"fan_in_fan_out\": \(isTransposed), \"use_dora\": \(hasMagnitudes)",
      extra: hasMagnitudes ? [("base_model.model.p.lora_magnitude_vector", [13], random.numbers(13).map { abs($0) + 0.5 })] : [])
    let shape = isTransposed ? [17, 13] : [13, 17]
    let base = random.numbers(13 * 17)
    let source = try AdaptedSource.source(of: "p.weight", shape: shape, base: ArraySource(base), adapter: adapter)
    let whole = Self.read(source, 0, 221)
    for block in [1, 5, 16, 17, 40] {
      var pieces: [Float] = []
      for offset in stride(from: 0, to: 221, by: block) { pieces += Self.read(source, offset, min(block, 221 - offset)) }
      #expect(pieces == whole, "blocks of \(block)")
    }
    let delta = try adapter.delta(adapter.modules[0])
    var expected = (0..<221).map { index in
      Double(base[index]) + (isTransposed ? delta[index % 13 * 17 + index / 13] : delta[index])
    }
    if let lengths = try adapter.magnitudes(of: adapter.modules[0]) {
      func output(_ index: Int) -> Int { isTransposed ? index % 13 : index / 17 }
      var squares = [Double](repeating: 0, count: 13)
      for (index, value) in expected.enumerated() { squares[output(index)] += value * value }
      expected = expected.enumerated().map { $1 * Double(lengths[output($0)]) / squares[output($0)].squareRoot() }
    }
    #expect(largestDifference(whole.map(Double.init), expected) < 2e-6)
  }

  @Test func squareWeightsFollowTheConfiguration() throws {
    for isTransposed in [false, true] {
      let adapter = try AdapterFactory.adapter([.init(name: "p", outputs: 6, inputs: 6, rank: 4)], seed: 7, more: "\"fan_in_fan_out\": \(isTransposed)")
      let source = try AdaptedSource.source(of: "p.weight", shape: [6, 6], base: ArraySource(Array(repeating: 0, count: 36)), adapter: adapter)
      let delta = try adapter.delta(adapter.modules[0])
      #expect(abs(Double(Self.read(source, 1, 1)[0]) - (isTransposed ? delta[6] : delta[1])) < 1e-6)
    }
  }

  @Test func tensorsTrainedWholeTakeTheBasesPlace() throws {
    let adapter = try AdapterFactory.adapter(
      [.init(name: "p", outputs: 6, inputs: 6, rank: 4)], seed: 7, more: "\"modules_to_save\": [\"lm_head\"]",
      extra: [("base_model.model.lm_head.weight", [2, 2], [1, 2, 3, 4])])
    let source = try AdaptedSource.source(of: "lm_head.weight", shape: [2, 2], base: ArraySource([0, 0, 0, 0]), adapter: adapter)
    #expect(Self.read(source, 0, 4) == [1, 2, 3, 4])
    #expect(adapter.savedTensors(notAmong: ["lm_head.weight"]).isEmpty && adapter.savedTensors(notAmong: ["p.weight"]) == ["lm_head.weight"])
    let other = try AdaptedSource.source(of: "norm.weight", shape: [2], base: ArraySource([5, 6]), adapter: adapter)
    #expect(Self.read(other, 0, 2) == [5, 6])
  }

  @Test func shapesThatDoNotFitAreRefused() throws {
    let adapter = try AdapterFactory.adapter([.init(name: "p", outputs: 6, inputs: 5, rank: 4)], seed: 7)
    for shape in [[5, 6], [6, 6], [30], [6, 5, 1]] {
      #expect(throws: MergeError.self, "\(shape)") {
        try AdaptedSource.source(of: "p.weight", shape: shape, base: ArraySource(Array(repeating: 0, count: shape.reduce(1, *))), adapter: adapter)
      }
    }
    #expect(adapter.modulesWithoutTensor(among: ["x.p.weight"]) == ["p"])
  }
}
