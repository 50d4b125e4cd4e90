extension RotaryEmbedding {
  /// transformers 5 has everything in `rope_parameters`; older versions have `rope_theta` beside `rope_scaling`.
  init(_ fields: ConfigurationFields, contextLength: Int) throws(ModelFileError) {
    var scaling = try fields.object("rope_scaling")
    if scaling == nil { scaling = try fields.object("rope_parameters") }
    let outer = try fields.number("rope_theta", in: ModelLimits.theta)
    guard let scaling else {
      self.init(theta: outer ?? 10000)
      return
    }
    self.init(theta: try scaling.number("rope_theta", in: ModelLimits.theta) ?? outer ?? 10000)
    if let part = try scaling.number("partial_rotary_factor"), part != 1 {
      throw scaling.unsupported("partial_rotary_factor \(part) is not supported; heads are rotated whole")
    }
    func factor() throws(ModelFileError) -> Double {
      guard let factor = try scaling.number("factor", in: ModelLimits.ropeFactor) else { throw scaling.malformed("factor is missing") }
      return factor
    }
    let (type, oldType) = (try scaling.string("rope_type"), try scaling.string("type"))
    switch type ?? oldType ?? "default" {
    case "default": break
    case "linear": self.scaling = .linear(factor: try factor())
    case "llama3":
      let low = try scaling.number("low_freq_factor", in: ModelLimits.ropeFactor) ?? 1
      let high = try scaling.number("high_freq_factor", in: ModelLimits.ropeFactor) ?? 4
      guard low < high else { throw scaling.malformed("low_freq_factor \(low) is not below high_freq_factor \(high)") }
      let context = try scaling.integer("original_max_position_embeddings", in: ModelLimits.contextLength) ?? contextLength
      self.scaling = .llama3(factor: try factor(), lowFrequencyFactor: low, highFrequencyFactor: high, originalContext: Double(context))
    case let type:
      throw scaling.unsupported("the rope type \"\(type.prefix(40))\" is not supported; supported are default, linear and llama3")
    }
    for key in scaling.keys {
      if case .object? = scaling[key] { throw scaling.unsupported("parameters by kind of layer (\(key.prefix(40))) are not supported; one set for all layers is") }
    }
  }
}
