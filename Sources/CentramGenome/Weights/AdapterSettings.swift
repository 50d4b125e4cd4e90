/// What adapter_config.json says, as far as it decides what an adapter does. Keys that say how it was trained are passed over; those that
/// change the meaning of its tensors, or would load code, are refused.
/// Format: https://huggingface.co/docs/peft/package_reference/lora
public struct AdapterSettings: Sendable, Equatable {
  public static let maximumLength = 1 << 20
  public let rank: Int
  public let alpha: Double
  /// Scale alpha / √rank instead of alpha / rank.
  public let usesRankStabilization: Bool
  /// The base's matrices are stored inputs × outputs.
  public let isTransposed: Bool
  private let ranks: [String: Int]
  private let alphas: [String: Double]

  /// - Parameter bytes: the file.
  /// - Throws: `tooLarge`, `malformed`, `outOfRange`, `unsupported` with the key.
  public init(parsing bytes: [UInt8]) throws(GenomeError) {
    let file = GenomeKind.configurationFile
    guard bytes.count <= Self.maximumLength else { throw GenomeError(.tooLarge, "\(file) has \(bytes.count) bytes; \(Self.maximumLength) are allowed") }
    let root = try JSONValue(parsing: bytes, name: file)
    guard case .object(let members) = root else { throw GenomeError(.wrongType, "\(file) is \(root.typeName), not an object") }
    try Self.refuseFeatures(members)
    let reader = try ObjectReader(root, place: file, keys: members.map(\.key))
    guard try reader.text("peft_type", bytes: 1...32) == "LORA" else { throw GenomeError(.unsupported, "\(file): peft_type is not LORA") }
    rank = Int(try reader.integer("r", 1...(1 << 20)))
    alpha = try reader.real("lora_alpha", 0...1e9)
    usesRankStabilization = try Self.flag(reader, "use_rslora")
    isTransposed = try Self.flag(reader, "fan_in_fan_out")
    var ranks: [String: Int] = [:], alphas: [String: Double] = [:]
    for member in try Self.patterns(reader, "rank_pattern") {
      guard case .number(let spelling) = member.value, let rank = Int(spelling), (1...(1 << 20)).contains(rank) else {
        throw GenomeError(.outOfRange, "\(file): rank_pattern.\(GenomeError.shown(member.key)) is no rank")
      }
      ranks[member.key] = rank
    }
    for member in try Self.patterns(reader, "alpha_pattern") {
      alphas[member.key] = try ObjectReader.real(member.value, "\(file): alpha_pattern.\(GenomeError.shown(member.key))", 0...1e9)
    }
    (self.ranks, self.alphas) = (ranks, alphas)
  }

  /// - Parameter module: its name without `base_model.model.`.
  public func rank(of module: String) -> Int { Self.value(ranks, module) ?? rank }
  /// The factor of B · A.
  public func scale(of module: String) -> Double {
    let rank = Double(rank(of: module)), alpha = Self.value(alphas, module) ?? alpha
    return alpha / (usesRankStabilization ? rank.squareRoot() : rank)
  }

  /// PEFT takes a key that is the name or its end from a dot on; the longest counts here.
  private static func value<Value>(_ table: [String: Value], _ module: String) -> Value? {
    guard !table.isEmpty else { return nil }
    var rest = Substring(module)
    while true {
      if let value = table[String(rest)] { return value }
      guard let dot = rest.firstIndex(of: ".") else { return nil }
      rest = rest[rest.index(after: dot)...]
    }
  }

  private static func flag(_ reader: ObjectReader, _ key: String) throws(GenomeError) -> Bool {
    switch reader.optional(key) {
    case nil, .null: return false
    case .boolean(let flag): return flag
    case .some(let value): throw GenomeError(.wrongType, "\(GenomeKind.configurationFile): \(key) is \(value.typeName), not true or false")
    }
  }

  private static func patterns(_ reader: ObjectReader, _ key: String) throws(GenomeError) -> [JSONValue.Member] {
    switch reader.optional(key) {
    case nil, .null: return []
    default: break
    }
    let members = try reader.table(key, items: 0...SafetensorsView.maximumTensors, keyBytes: 1...SafetensorsView.maximumNameLength)
    for member in members {
      let isName = member.key.utf8.allSatisfy {
        (0x61...0x7a).contains($0 | 0x20) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
      }
      guard isName else {
        throw GenomeError(.unsupported, "\(GenomeKind.configurationFile): \(key) has the expression \"\(GenomeError.shown(member.key))\"; write module names")
      }
    }
    // Two keys of which one is the other's end would leave it to their order which counts.
    let names = Set(members.map(\.key))
    for name in names {
      var rest = Substring(name)
      while let dot = rest.firstIndex(of: ".") {
        rest = rest[rest.index(after: dot)...]
        guard !names.contains(String(rest)) else {
          throw GenomeError(.unsupported, "\(GenomeKind.configurationFile): \(key) has \"\(GenomeError.shown(name))\" and its end \"\(GenomeError.shown(rest))\"; write full names")
        }
      }
    }
    return members
  }
}

extension AdapterSettings {
  private static let read: Set<String> = ["peft_type", "r", "lora_alpha", "use_rslora", "fan_in_fan_out", "rank_pattern", "alpha_pattern"]

  /// They say how it was trained, or what for, and nothing of what it does once trained.
  private static let harmless: Set<String> = [
    "base_model_name_or_path", "corda_config", "ephemeral_gpu_offload", "eva_config", "inference_mode", "init_lora_weights", "layers_pattern", "layers_to_transform",
    "exclude_modules", "loftq_config", "lora_dropout", "lora_ga_config", "megatron_config", "megatron_core", "peft_version", "qalora_group_size", "revision",
    "runtime_config", "target_modules", "task_type", "velora_config",
  ]

  /// Ways to start training that leave the base as it is.
  private static let plainStarts: Set<String> = ["gaussian", "eva", "orthogonal", "mica"]

  private static func refuseFeatures(_ members: [JSONValue.Member]) throws(GenomeError) {
    let file = GenomeKind.configurationFile
    for member in members where !read.contains(member.key) {
      switch (member.key, member.value) {
      case ("auto_mapping", .object(let mapping)): try checkMapping(mapping)
      case ("bias", .string("none")): break
      case ("init_lora_weights", .string(let start)) where !plainStarts.contains(start):
        throw GenomeError(.unsupported, "\(file): init_lora_weights \"\(GenomeError.shown(start))\" changed the base while training")
      default:
        guard harmless.contains(member.key) || member.value.isEmpty else {
          throw GenomeError(.unsupported, "\(file): the key \"\(GenomeError.shown(member.key))\" is not empty, and may change what the tensors mean")
        }
      }
    }
  }

  /// PEFT imports the library that stands here, so it may only be the one that it writes itself.
  private static func checkMapping(_ mapping: [JSONValue.Member]) throws(GenomeError) {
    for member in mapping {
      if member.value == .null { continue }
      guard case .string(let text) = member.value, member.key == "base_model_class" || (member.key == "parent_library" && text.hasPrefix("transformers.models.")) else {
        throw GenomeError(
          .unsupported, "\(GenomeKind.configurationFile): auto_mapping.\(GenomeError.shown(member.key)) would load code that is not of transformers.models; leave it out")
      }
    }
  }
}
