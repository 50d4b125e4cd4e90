import CentramModel
import Foundation
import Testing

/// Llama 3's scaling out of `rope_freqs.weight`, by a plain version of transformers' definition.
@Suite struct RotaryDivisorsTests {
  static func divisors(theta: Double, pairs: Int, factor: Double, low: Double, high: Double, context: Double) -> [Float] {
    (0..<pairs).map { pair in
      let wave = 2 * Double.pi * pow(theta, Double(pair) / Double(pairs))
      if wave < context / high { return 1 }
      if wave > context / low { return Float(factor) }
      let smooth = (context / wave - low) / (high - low)
      return Float(1 / ((1 - smooth) / factor + smooth))
    }
  }

  /// A model's file with these divisors.
  static func file(_ divisors: [Float], theta: Double, type: UInt32 = 0) -> [UInt8] {
    var file = GGUFBuilder()
    file.head(tensors: 2, keys: 8)
    file.key("general.architecture", type: 8)
    file.text("llama")
    for (key, value) in [("block_count", 1), ("embedding_length", 2 * divisors.count), ("attention.head_count", 1), ("feed_forward_length", 4), ("context_length", 131072)] {
      file.key("llama.\(key)", type: 4)
      file.number(UInt32(value))
    }
    file.key("llama.attention.key_length", type: 4)
    file.number(UInt32(2 * divisors.count))
    file.key("llama.rope.freq_base", type: 6)
    file.raw(Float(theta).bitPattern)
    file.tensor("token_embd.weight", [UInt64(2 * divisors.count), 1])
    file.tensor("rope_freqs.weight", [UInt64(divisors.count)], type: type, offset: UInt64(8 * divisors.count))
    file.pad(data: 8 * divisors.count)
    for divisor in divisors { file.raw(divisor.bitPattern) }
    return file.bytes
  }

  static func scaling(_ divisors: [Float], theta: Double = 500_000) throws -> RotaryEmbedding.Scaling? {
    try ModelConfiguration(try GGUFFile(data: file(divisors, theta: theta), name: "t")).rope?.scaling
  }

  @Test(arguments: [
    (500_000.0, 32, 32.0, 1.0, 4.0, 8192.0), (500_000, 64, 8, 1, 4, 8192), (10_000, 64, 4, 1, 4, 2048), (500_000, 32, 16, 1, 3, 8000), (1_000_000, 64, 40, 1, 7.5, 5000),
  ])
  func theParametersComeBack(theta: Double, pairs: Int, factor: Double, low: Double, high: Double, context: Double) throws {
    let divisors = Self.divisors(theta: theta, pairs: pairs, factor: factor, low: low, high: high, context: context)
    guard case .llama3(let foundFactor, let foundLow, let foundHigh, let foundContext)? = try Self.scaling(divisors, theta: theta) else {
      Issue.record("no scaling")
      return
    }
    let again = Self.divisors(theta: theta, pairs: pairs, factor: foundFactor, low: foundLow, high: foundHigh, context: foundContext)
    for (found, wanted) in zip(again, divisors) { #expect(abs(found - wanted) <= 3e-5 * wanted) }
    #expect(abs(foundHigh / foundLow - high / low) < 0.01 * high / low)
    #expect(abs(foundContext / foundLow - context / low) < 0.01 * context)
  }

  @Test func divisorsThatAreAllAlikeAreLinear() throws {
    #expect(try Self.scaling(Array(repeating: 1, count: 32)) == RotaryEmbedding.Scaling.none)
    #expect(try Self.scaling(Array(repeating: 4, count: 32)) == .linear(factor: 4))
  }

  @Test func refusesDivisorsThatNoScalingMakes() throws {
    var good = Self.divisors(theta: 500_000, pairs: 32, factor: 8, low: 1, high: 4, context: 8192)
    good[3] = 2
    for bad in [good, Array(repeating: 0, count: 32), Array(repeating: .nan, count: 32), Array(repeating: .infinity, count: 32), (0..<32).map { 1 + Float($0 % 2) }] {
      let error = #expect(throws: ModelFileError.self) { _ = try Self.scaling(bad) }
      #expect(error?.message.contains("no scaling of Llama 3") == true)
    }
    #expect(throws: ModelFileError.self) { _ = try ModelConfiguration(try GGUFFile(data: Self.file([1, 1], theta: 10000, type: 1), name: "t")) }
  }
}
