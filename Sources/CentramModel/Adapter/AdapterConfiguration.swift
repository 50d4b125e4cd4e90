/// What adapter_config.json says, as far as it decides what an adapter does to its base.
/// Format: https://huggingface.co/docs/peft/package_reference/lora
public struct AdapterConfiguration: Sendable, Equatable {
  public enum Targets: Sendable, Equatable {
    /// Names of modules, or the ends of their names.
    case names([String])
    /// A regular expression, or `all-linear`.
    case pattern(String)
    case unstated
  }

  public enum Bias: String, Sendable { case none, all, loraOnly = "lora_only" }

  public var rank: Int
  public var alpha: Double
  /// Scale alpha / √rank instead of alpha / rank.
  public var usesRankStabilization = false
  /// The base's matrices are stored inputs × outputs, as GPT-2's.
  public var isTransposed = false
  public var usesMagnitudes = false
  public var bias = Bias.none
  public var targets = Targets.unstated
  /// Names of modules that were trained whole.
  public var modulesToSave: [String] = []
  /// Not all modules with a target's name are adapted: layers or names are left out.
  public var hasExceptions = false
  /// Embeddings that were trained whole are the output layer's weight too.
  public var tiesEmbeddings = false
  public var baseModel: String?
  public var taskType: String?
  private var rankPattern = OrderedPatterns()
  private var alphaPattern = OrderedPatterns()

  public static let maximumLength = 16 << 20
  /// Far above any rank in use; keeps sums of ranks far from overflow.
  public static let maximumRank = 1 << 20

  /// - Parameter json: the file's bytes.
  /// - Throws: `.malformed`, or `.unsupported` with the name of the feature.
  public init(json: [UInt8], name: String = "adapter_config.json") throws(ModelFileError) {
    guard json.count <= Self.maximumLength else {
      throw ModelFileError(.malformed, "\(name): \(json.count) bytes are more than \(Self.maximumLength)")
    }
    let root: OrderedJSON
    do throws(OrderedJSON.Failure) {
      root = try OrderedJSON(parsing: json)
    } catch {
      throw ModelFileError(.malformed, "\(name): not good JSON: \(error.message) (byte \(error.position))")
    }
    guard case .object(let members) = root else { throw ModelFileError(.malformed, "\(name): not a JSON object") }
    var fields = AdapterFields(file: name, members: members)
    guard let type = try fields.string("peft_type") else { throw fields.malformed("peft_type is missing") }
    guard type == "LORA" else {
      throw fields.unsupported("peft_type \(type.prefix(40))", "merge it into its base with PEFT (merge_and_unload) and use the result")
    }
    guard let rank = try fields.number("r") else { throw fields.malformed("r is missing") }
    guard let whole = Int(exactly: rank), (0...Self.maximumRank).contains(whole) else { throw fields.malformed("r is \(rank), not a rank") }
    self.rank = whole
    alpha = try fields.number("lora_alpha") ?? 8
    usesRankStabilization = try fields.flag("use_rslora")
    isTransposed = try fields.flag("fan_in_fan_out")
    usesMagnitudes = try fields.flag("use_dora")
    let biasText = try fields.string("bias") ?? "none"
    guard let bias = Bias(rawValue: biasText) else { throw fields.malformed("bias is \"\(biasText.prefix(40))\", not none, all or lora_only") }
    self.bias = bias
    targets = try fields.targets("target_modules")
    modulesToSave = try fields.strings("modules_to_save") ?? []
    tiesEmbeddings = try fields.flag("ensure_weight_tying")
    baseModel = try fields.string("base_model_name_or_path")
    taskType = try fields.string("task_type")
    rankPattern = OrderedPatterns(try fields.numbers("rank_pattern"))
    alphaPattern = OrderedPatterns(try fields.numbers("alpha_pattern"))
    for (key, value) in rankPattern.entries where Int(exactly: value).map((0...Self.maximumRank).contains) != true {
      throw fields.malformed("rank_pattern[\"\(key.prefix(100))\"] is \(value), not a rank")
    }
    hasExceptions = [fields.isEmpty("layers_to_transform"), fields.isEmpty("exclude_modules")].contains(false)
    try fields.refuseUnknownFeatures()
    try rankPattern.compile()
    try alphaPattern.compile()
  }

  /// - Parameter module: its name without `base_model.model.`.
  public func rank(of module: String) -> Int { rankPattern.value(for: module).map { Int($0) } ?? rank }
  public func alpha(of module: String) -> Double { alphaPattern.value(for: module) ?? alpha }
  /// The factor of B · A.
  public func scale(of module: String) -> Double {
    let rank = rank(of: module)
    guard rank > 0 else { return 0 }
    return alpha(of: module) / (usesRankStabilization ? Double(rank).squareRoot() : Double(rank))
  }

  /// Steps that one lookup of a module costs beyond a hash: the size of the patterns that are true expressions.
  var lookupCost: Int { rankPattern.cost + alphaPattern.cost }
}

/// `rank_pattern` and `alpha_pattern`: the first key that matches the end of a module's name, from a dot on, counts.
struct OrderedPatterns: Sendable, Equatable {
  private(set) var entries: [(key: String, value: Double)] = []
  /// Keys without special characters, most keys by far, are found by hash.
  private var literals: [String: Int] = [:]
  private var expressions: [(index: Int, pattern: NamePattern)] = []

  init(_ entries: [(key: String, value: Double)] = []) { self.entries = entries }

  static func == (one: OrderedPatterns, other: OrderedPatterns) -> Bool {
    one.entries.elementsEqual(other.entries) { $0.key == $1.key && $0.value == $1.value }
  }

  mutating func compile() throws(ModelFileError) {
    for (index, entry) in entries.enumerated() {
      if entry.key.unicodeScalars.allSatisfy({ $0.properties.isAlphabetic || $0 == "." || $0 == "_" || $0 == "-" || ("0"..."9").contains($0) }) {
        literals[entry.key] = index
      } else {
        expressions.append((index, try NamePattern("(.*\\.)?(\(entry.key))$")))
      }
    }
  }

  var cost: Int { expressions.reduce(0) { $0 + $1.pattern.size } }

  func value(for name: String) -> Double? {
    guard !entries.isEmpty else { return nil }
    var best = Int.max
    if !literals.isEmpty {
      var rest = Substring(name)
      while true {
        if let index = literals[String(rest)] { best = min(best, index) }
        guard let dot = rest.firstIndex(of: ".") else { break }
        rest = rest[rest.index(after: dot)...]
      }
    }
    for (index, pattern) in expressions where index < best {
      if pattern.matches(name) { best = index }
    }
    return best == .max ? nil : entries[best].value
  }
}
