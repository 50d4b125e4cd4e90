internal import CentramModel
internal import CentramPluginAPI

/// An adapter that a trainer asked for, in the words of PEFT's adapter_config.json.
struct AdapterRequest: Sendable {
  let lora: LoRAConfiguration
  /// Last parts of modules' names, as PEFT has them.
  let targetModules: [String]
  /// Nil: all.
  let layers: [Int]?

  /// - Parameter json: also `freeze_a`, which is none of PEFT's keys: A keeps its random start.
  init(json: String, configuration: ModelConfiguration) throws(PluginError) {
    let root: OrderedJSON
    do throws(OrderedJSON.Failure) { root = try OrderedJSON(parsing: Array(json.utf8)) } catch {
      throw PluginError(.invalid, "the adapter's configuration is not good JSON: \(error.message)")
    }
    guard let object = root.object else { throw PluginError(.invalid, "the adapter's configuration is not a JSON object") }
    let known: Set = [
      "peft_type", "r", "lora_alpha", "use_rslora", "lora_dropout", "bias", "target_modules", "layers_to_transform", "freeze_a", "task_type",
      "base_model_name_or_path", "inference_mode", "init_lora_weights",
    ]
    for member in object.members where !known.contains(member.key) && !member.value.isEmptyValue {
      throw PluginError(.unsupported, "adapters with \(member.key.prefix(60)) cannot be trained here; plain LoRA can")
    }
    func number(_ key: String, _ standard: Double) throws(PluginError) -> Double {
      guard let value = object[key], value != .null else { return standard }
      guard case .number(let text) = value, let number = Double(text), number.isFinite else { throw PluginError(.invalid, "\(key) is not a number") }
      return number
    }
    guard (object["peft_type"]?.string ?? "LORA") == "LORA" else { throw PluginError(.unsupported, "peft_type is not LORA, the one that can be trained here") }
    guard (object["bias"]?.string ?? "none") == "none" else { throw PluginError(.unsupported, "bias is not none; biases are not trained with an adapter here") }
    guard let rank = Int(exactly: try number("r", 8)), (1...4096).contains(rank) else { throw PluginError(.invalid, "r is not a rank from 1 to 4096") }
    let names = try Self.names(configuration, object["target_modules"])
    layers = try Self.layers(configuration, object["layers_to_transform"])
    targetModules = names
    let family = configuration.family
    let whole: [String] = (layers ?? []).flatMap { layer in
      family.linears.compactMap { family.name($0, layer: layer) }.filter { name in names.contains { name == $0 || name.hasSuffix("." + $0) } }
    }
    lora = LoRAConfiguration(
      rank: rank, alpha: try number("lora_alpha", 8), targets: layers == nil ? names : whole, usesRankStabilizedScale: object["use_rslora"]?.bool ?? false,
      dropout: try number("lora_dropout", 0), freezesA: object["freeze_a"]?.bool ?? false)
  }

  /// `all-linear`, or names that this model has.
  private static func names(_ configuration: ModelConfiguration, _ value: OrderedJSON?) throws(PluginError) -> [String] {
    let family = configuration.family
    let ends = family.linears.compactMap { family.name($0, layer: 0)?.split(separator: ".").last.map(String.init) }
    guard let value, value != .null, value.string != "all-linear" else { return ends }
    guard let names = value.array?.compactMap(\.string), !names.isEmpty, names.count == value.array?.count else {
      throw PluginError(.unsupported, "target_modules is neither all-linear nor a list of names")
    }
    let all = (0..<configuration.layers).flatMap { layer in family.linears.compactMap { family.name($0, layer: layer) } }
    for name in names where !all.contains(where: { $0 == name || $0.hasSuffix("." + name) }) {
      throw PluginError(.invalid, "the model has no module \(name.prefix(60)); known are \(ends.joined(separator: ", "))")
    }
    return names
  }

  private static func layers(_ configuration: ModelConfiguration, _ value: OrderedJSON?) throws(PluginError) -> [Int]? {
    guard let value, value != .null else { return nil }
    guard let layers = value.array?.compactMap(\.integer), !layers.isEmpty, layers.count == value.array?.count else {
      throw PluginError(.invalid, "layers_to_transform is not a list of numbers")
    }
    for layer in layers where !(0..<configuration.layers).contains(layer) {
      throw PluginError(.invalid, "layer \(layer) is not one of the model's, 0 to \(configuration.layers - 1)")
    }
    return layers
  }

  /// adapter_config.json as PEFT writes it.
  func configurationText(base: String?) -> String {
    func strings(_ texts: [String]) -> OrderedJSON { .strings(texts) }
    let object: OrderedJSON.Object = [
      "alpha_pattern": .object(.init()), "auto_mapping": .null, "base_model_name_or_path": base.map { .string($0) } ?? .null, "bias": .string("none"),
      "fan_in_fan_out": .bool(false), "inference_mode": .bool(true), "init_lora_weights": .bool(true),
      "layers_pattern": .null, "layers_to_transform": layers.map { .array($0.map { .integer($0) }) } ?? .null, "lora_alpha": .number(Self.plain(lora.alpha)),
      "lora_bias": .bool(false), "lora_dropout": .number(Self.plain(lora.dropout)), "modules_to_save": .null, "peft_type": .string("LORA"),
      "r": .integer(lora.rank), "rank_pattern": .object(.init()), "revision": .null, "target_modules": strings(targetModules.sorted()),
      "task_type": .string("CAUSAL_LM"), "use_dora": .bool(false), "use_rslora": .bool(lora.usesRankStabilizedScale),
    ]
    return String(decoding: OrderedJSON.object(object).serialized(), as: UTF8.self)
  }

  private static func plain(_ number: Double) -> String { Int(exactly: number).map(String.init) ?? "\(number)" }
}

extension OrderedJSON {
  /// Null, false, "", [] or {}.
  fileprivate var isEmptyValue: Bool {
    switch self {
    case .null: true
    case .bool(let flag): !flag
    case .number: false
    case .string(let text): text.isEmpty
    case .array(let items): items.isEmpty
    case .object(let object): object.members.isEmpty
    }
  }
}
