internal import CentramModel

extension MergeConfiguration {
  private static let keys = [
    "name", "models", "slices", "modules", "merge_method", "base_model", "dtype", "out_dtype", "tokenizer_source", "tokenizer",
    "chat_template", "parameters", "out",
  ]

  /// The only rule that helped reliably in a comparison of many on language models (arXiv 2511.21437).
  private static let defaultMethod = "task_arithmetic"

  init(_ cursor: ConfigurationCursor, _ context: ParsingContext) throws(MergeError) {
    let fields = try cursor.fields(Self.keys, "a mapping with merge_method and models")
    place = cursor.place
    if let methodCursor = fields["merge_method"] {
      (method, methodPlace) = (try methodCursor.text("the name of an operator"), methodCursor.place)
    } else {
      (method, methodPlace) = (Self.defaultMethod, cursor.place)
      context.warn(cursor.place, "merge_method is not set, so it is \(Self.defaultMethod)")
    }
    baseModel = try fields["base_model"].map { cursor throws(MergeError) in try ModelReference(cursor, context) }
    (inputs, moduleParameters) = try Self.inputs(fields, context)
    workFormat = try fields["dtype"].map(Self.format)
    outputFormat = try fields["out_dtype"].map(Self.format)
    tokenizer = try TokenizerConfiguration.parse(fields, hasBase: baseModel != nil, context)
    chatTemplate = try fields["chat_template"].map { cursor throws(MergeError) in try ChatTemplateSetting(cursor) }
    parameters = try ParameterSettings(fields["parameters"])
    output = try fields["out"].map(Self.output) ?? .model
    if case .adapter = output {
      for key in ["slices", "tokenizer", "tokenizer_source", "chat_template"] {
        if let value = fields[key] { throw value.error("out: adapter cannot have \(key): an adapter has the layers and the tokens of its base") }
      }
    }
  }

  private static func format(_ cursor: ConfigurationCursor) throws(MergeError) -> NumberFormat {
    let known: [NumberFormat] = [.bfloat16, .float16, .float32, .float64, .int64]
    let text = try cursor.text("a number format")
    guard let format = NumberFormat(torchName: text), known.contains(format) else {
      throw cursor.error("\(text.prefix(60)) is no number format here\(NearestName.hint(text, among: known.map(\.torchName)))")
    }
    return format
  }

  private static func output(_ cursor: ConfigurationCursor) throws(MergeError) -> Output {
    var kind = cursor
    var rank: ConfigurationCursor?
    if case .map = cursor.node.content {
      let fields = try cursor.fields(["kind", "rank"], "model or adapter")
      kind = try fields.required("kind", "it is model or adapter")
      rank = fields["rank"]
    }
    switch try kind.text("model or adapter") {
    case "adapter": return .adapter(rank: try rank?.integer(1...65_536))
    case "model":
      if let rank { throw rank.error("a model has no rank") }
      return .model
    case let other:
      throw kind.error("\(other.prefix(60)) is no kind of output\(NearestName.hint(other, among: ["model", "adapter"]))")
    }
  }

  // MARK: Models, slices, modules

  private static func inputs(_ fields: ConfigurationFields, _ context: ParsingContext) throws(MergeError) -> (Inputs, ParameterSettings) {
    let (key, value) = try fields.exactlyOne(["models", "slices", "modules"])
    guard key == "modules" else { return (try inputs(key, value, context), .init()) }
    let modules = try value.values("a mapping with the module default")
    guard let (name, module) = modules.first else { throw value.error("modules is empty; write modules: {default: {models: ...}}") }
    for (name, module) in modules where name != "default" {
      throw module.error("\(name.prefix(60)) is no module here: a model is one module, default; merge others on their own")
    }
    _ = name
    let inner = try module.fields(["models", "slices", "parameters"], "a mapping with models or slices")
    let (innerKey, innerValue) = try inner.exactlyOne(["models", "slices"])
    return (try inputs(innerKey, innerValue, context), try ParameterSettings(inner["parameters"]))
  }

  private static func inputs(_ key: String, _ value: ConfigurationCursor, _ context: ParsingContext) throws(MergeError) -> Inputs {
    if key == "models" {
      var models: [Source] = []
      for item in try value.items("models") { models.append(try Source(item, hasLayers: false, context)) }
      return .models(models)
    }
    var slices: [Slice] = []
    for item in try value.items("slices") { slices.append(try Slice(item, context)) }
    return .slices(slices)
  }
}

extension MergeConfiguration.Source {
  fileprivate init(_ cursor: ConfigurationCursor, hasLayers: Bool, _ context: ParsingContext) throws(MergeError) {
    let keys = hasLayers ? ["model", "layer_range", "parameters"] : ["model", "parameters"]
    let fields = try cursor.fields(keys, "a mapping with model")
    place = cursor.place
    model = try ModelReference(fields.required("model", "write model: FOLDER"), context)
    layers = try fields["layer_range"].map(Self.layers)
    parameters = try ParameterSettings(fields["parameters"])
  }

  private static func layers(_ cursor: ConfigurationCursor) throws(MergeError) -> Range<Int> {
    let items = try cursor.items("two layer numbers")
    guard items.count == 2 else { throw cursor.error("layer_range takes two numbers, the first layer and the one after the last, not \(items.count)") }
    let first = try items[0].integer(0...1_000_000), end = try items[1].integer(0...1_000_000)
    guard first < end else { throw cursor.error("layer_range [\(first), \(end)] holds no layer; the second number is the layer after the last") }
    return first..<end
  }
}

extension MergeConfiguration.Slice {
  fileprivate init(_ cursor: ConfigurationCursor, _ context: ParsingContext) throws(MergeError) {
    let fields = try cursor.fields(["sources", "base_model", "residual_weight", "parameters"], "a mapping with sources")
    place = cursor.place
    sources = []
    for item in try fields.required("sources", "the models of this slice").items("sources") {
      sources.append(try .init(item, hasLayers: true, context))
    }
    if let known = sources.first(where: { $0.layers != nil }), let layers = known.layers {
      for source in sources {
        guard let other = source.layers, other.count != layers.count else { continue }
        throw source.place.error(
          "layer_range [\(other.lowerBound), \(other.upperBound)] holds \(other.count) layers, but that of \(known.model) holds \(layers.count); "
            + "the sources of a slice have equally many")
      }
    }
    baseModel = try fields["base_model"].map { cursor throws(MergeError) in try ModelReference(cursor, context) }
    if let weight = fields["residual_weight"] { context.warn(weight.place, "residual_weight has no effect, as in mergekit") }
    parameters = try ParameterSettings(fields["parameters"])
  }
}
