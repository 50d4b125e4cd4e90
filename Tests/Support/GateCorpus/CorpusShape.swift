public import CentramPluginAPI

/// A base model's linear layers, and honest adapters of it, drawn from a seed.
public struct CorpusShape: Sendable {
  public var layers: Int, width: Int, hidden: Int, rank: Int

  /// Small enough for debug builds: 6 modules, 27 KiB of factors.
  public static let small = CorpusShape(layers: 2, width: 32, hidden: 64, rank: 4)
  /// Factors of exactly 256 KiB.
  public static let quarterMegabyte = CorpusShape(layers: 4, width: 128, hidden: 768, rank: 8)

  public init(layers: Int, width: Int, hidden: Int, rank: Int) { (self.layers, self.width, self.hidden, self.rank) = (layers, width, hidden, rank) }

  public struct Module: Sendable { public let name: String, outputs: Int, inputs: Int }

  public var modules: [Module] {
    (0..<layers).flatMap { layer -> [Module] in
      let place = "model.layers.\(layer)"
      return [
        Module(name: "\(place).self_attn.q_proj", outputs: width, inputs: width), Module(name: "\(place).mlp.up_proj", outputs: hidden, inputs: width),
        Module(name: "\(place).mlp.down_proj", outputs: width, inputs: hidden),
      ]
    }
  }

  public var parameters: [BaseParameter] {
    [BaseParameter(name: "model.embed_tokens.weight", shape: [256, width])] + modules.map { BaseParameter(name: "\($0.name).weight", shape: [$0.outputs, $0.inputs]) }
      + [BaseParameter(name: "model.norm.weight", shape: [width])]
  }

  /// One module's factors: A rank × inputs, B outputs × rank.
  public struct Factors: Sendable {
    public var module: Module
    public var a: [Float], b: [Float]
  }

  /// Factors such as training leaves: A of the size of its start, B small, both without structure.
  public func factors(seed: UInt64) -> [Factors] {
    var random = CorpusRandom(seed)
    return modules.map { module in
      Factors(
        module: module, a: (0..<rank * module.inputs).map { _ in random.normal() / Float(module.inputs).squareRoot() },
        b: (0..<module.outputs * rank).map { _ in random.normal() * 0.02 })
    }
  }

  /// adapter_model.safetensors.
  public func weights(_ factors: [Factors], rank: Int? = nil) -> [UInt8] {
    let rank = rank ?? self.rank
    return SafetensorsText.file(
      factors.flatMap { it in
        [
          .init("base_model.model.\(it.module.name).lora_A.weight", [rank, it.module.inputs], it.a),
          .init("base_model.model.\(it.module.name).lora_B.weight", [it.module.outputs, rank], it.b),
        ]
      })
  }

  /// adapter_config.json.
  /// - Parameter members: more of them, each with its comma in front.
  public func configuration(rank: Int? = nil, alpha: Int? = nil, _ members: String = "") -> [UInt8] {
    let rank = rank ?? self.rank
    return Array(
      """
      {"peft_type":"LORA","r":\(rank),"lora_alpha":\(alpha ?? 2 * rank),"target_modules":["q_proj","up_proj","down_proj"],"bias":"none","use_rslora":false,"lora_dropout":0.0\(members)}
      """.utf8)
  }
}

/// Numbers from a seed (SplitMix64; Steele, Lea and Flood, 2014, https://doi.org/10.1145/2714064.2660195).
public struct CorpusRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64
  public init(_ seed: UInt64) { state = seed }
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
  /// Mean 0, variance 1: a sum of twelve uniform numbers, near enough to normal for a corpus.
  public mutating func normal() -> Float {
    var sum: Float = -6
    for _ in 0..<12 { sum += Float(next() >> 40) / Float(1 << 24) }
    return sum
  }
}
