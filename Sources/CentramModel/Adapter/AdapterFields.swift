/// Reads the members of adapter_config.json by type, and names what must not be ignored.
struct AdapterFields {
  let file: String
  private let members: [String: OrderedJSON]
  private var known = Set<String>()

  init(file: String, members: [OrderedJSON.Member]) {
    self.file = file
    self.members = Dictionary(uniqueKeysWithValues: members.map { ($0.key, $0.value) })
  }

  func malformed(_ message: String) -> ModelFileError { ModelFileError(.malformed, "\(file): \(message)") }
  func unsupported(_ feature: String, _ way: String) -> ModelFileError {
    ModelFileError(.unsupported, "\(file): \(feature) is not supported here; \(way)")
  }

  private mutating func value(_ key: String) -> OrderedJSON {
    known.insert(key)
    return members[key] ?? .null
  }

  mutating func string(_ key: String) throws(ModelFileError) -> String? {
    switch value(key) {
    case .null: return nil
    case .string(let text): return text
    default: throw malformed("\(key) is not a string")
    }
  }

  mutating func number(_ key: String) throws(ModelFileError) -> Double? {
    switch value(key) {
    case .null: return nil
    case .number(let number): return number
    default: throw malformed("\(key) is not a number")
    }
  }

  mutating func flag(_ key: String) throws(ModelFileError) -> Bool {
    switch value(key) {
    case .null: return false
    case .boolean(let flag): return flag
    default: throw malformed("\(key) is neither true nor false")
    }
  }

  mutating func strings(_ key: String) throws(ModelFileError) -> [String]? {
    switch value(key) {
    case .null: return nil
    case .array(let items):
      var result: [String] = []
      for item in items {
        guard case .string(let text) = item else { throw malformed("\(key) holds something other than strings") }
        result.append(text)
      }
      return result
    default: throw malformed("\(key) is not a list of strings")
    }
  }

  mutating func numbers(_ key: String) throws(ModelFileError) -> [(key: String, value: Double)] {
    switch value(key) {
    case .null: return []
    case .object(let members):
      var result: [(key: String, value: Double)] = []
      for member in members {
        guard case .number(let number) = member.value else { throw malformed("\(key)[\"\(member.key.prefix(100))\"] is not a number") }
        result.append((member.key, number))
      }
      return result
    default: throw malformed("\(key) is not an object of numbers")
    }
  }

  mutating func targets(_ key: String) throws(ModelFileError) -> AdapterConfiguration.Targets {
    if case .string(let text) = value(key) { return .pattern(text) }
    return try strings(key).map { .names($0) } ?? .unstated
  }

  mutating func isEmpty(_ key: String) -> Bool { value(key).isEmpty }
}

extension AdapterFields {
  /// Keys that say how an adapter was trained or found, and nothing of what it does once trained.
  private static let harmless: Set<String> = [
    "auto_mapping", "base_model_class", "corda_config", "ephemeral_gpu_offload", "eva_config", "inference_mode", "init_lora_weights",
    "layers_pattern", "loftq_config", "lora_dropout", "lora_ga_config", "megatron_config", "megatron_core", "parent_library", "peft_version",
    "qalora_group_size", "revision", "runtime_config", "velora_config",
  ]

  /// Features that change what the tensors mean, with the way out.
  private static let refused: [(key: String, way: String)] = [
    ("lora_bias", "train without it, or merge the adapter into its base with PEFT and use the result"),
    ("kasa_config", "merge the adapter into its base with PEFT and use the result"),
    ("target_parameters", "train on modules (target_modules), or merge the adapter into its base with PEFT and use the result"),
    ("alora_invocation_tokens", "an activated LoRA works on part of the tokens only and cannot be merged; train a plain LoRA"),
    ("use_qalora", "merge the adapter into its base with PEFT and use the result"),
    ("use_bdlora", "merge the adapter into its base with PEFT and use the result"),
    ("monteclora_config", "merge the adapter into its base with PEFT and use the result"),
    ("arrow_config", "a router over adapters cannot be merged; merge the adapters that it routes to"),
    ("layer_replication", "merge the adapter into its base with PEFT and use the result"),
    ("trainable_token_indices", "train the embedding whole (modules_to_save), or merge the adapter into its base with PEFT and use the result"),
  ]

  /// Ways to start training that leave the base as it is. The others take the start out of the base's weights.
  private static let plainStarts: Set<String> = ["gaussian", "eva", "orthogonal", "mica"]

  mutating func refuseUnknownFeatures() throws(ModelFileError) {
    for (key, way) in Self.refused where !value(key).isEmpty { throw unsupported(key, way) }
    if case .string(let start) = value("init_lora_weights"), !Self.plainStarts.contains(start.lowercased()) {
      throw unsupported(
        "init_lora_weights \"\(start.prefix(40))\", which changed the base while training,",
        "save the adapter with PEFT's path_initial_model_for_weight_conversion, which turns it into a plain LoRA")
    }
    for (key, value) in members.sorted(by: { $0.key < $1.key }) where !known.contains(key) && !Self.harmless.contains(key) && !value.isEmpty {
      throw unsupported(
        "the key \"\(key.prefix(100))\"",
        "if it does not change what the adapter's tensors mean, set it to null; else merge the adapter into its base with PEFT")
    }
  }
}
