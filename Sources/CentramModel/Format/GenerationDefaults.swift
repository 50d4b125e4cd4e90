/// How a model's makers would have its text drawn: generation_config.json. Nil where they do not say.
public struct GenerationDefaults: Sendable, Equatable {
  public var samples: Bool?
  public var temperature: Double?
  public var topK: Int?
  public var topP: Double?
  public var minP: Double?
  public var repetitionPenalty: Double?
  public var maximumNewTokens: Int?

  public init() {}

  /// - Throws: `.malformed`
  public init(json: [UInt8], name: String = "generation_config.json") throws(ModelFileError) {
    let fields = try ConfigurationFields(json: json, file: name)
    samples = try fields.flag("do_sample")
    temperature = try fields.number("temperature", in: 0...1000)
    topK = try fields.integer("top_k", in: 0...(1 << 30))
    topP = try fields.number("top_p", in: 0...1)
    minP = try fields.number("min_p", in: 0...1)
    repetitionPenalty = try fields.number("repetition_penalty", in: 0.001...1000)
    maximumNewTokens = try fields.integer("max_new_tokens", in: 0...(1 << 30))
  }
}
