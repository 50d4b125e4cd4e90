/// An adapter to write: factors with scale 1 and tensors that replace the base's.
public struct AdapterContents: Sendable {
  public struct Module: Sendable {
    public var name: String
    public var kind: AdapterModule.Kind
    public var outputs: Int
    public var inputs: Int
    public var rank: Int
    /// rank × inputs.
    public var a: [Float]
    /// outputs × rank. ΔW = B · A.
    public var b: [Float]

    public init(name: String, kind: AdapterModule.Kind = .linear, outputs: Int, inputs: Int, rank: Int, a: [Float], b: [Float]) {
      precondition(a.count == rank * inputs && b.count == outputs * rank, "\(name): the factors fit their extents")
      (self.name, self.kind, self.outputs, self.inputs, self.rank, self.a, self.b) = (name, kind, outputs, inputs, rank, a, b)
    }
  }

  /// A tensor that takes the place of the base's, or is copied along.
  public struct Saved: Sendable {
    public enum Values: Sendable {
      /// The bytes of another file, as they are.
      case file(SafetensorsFile, SafetensorsFile.Tensor)
      /// Fills in `count` elements from `offset` on; asked in order.
      case computed(format: NumberFormat, shape: [Int], @Sendable (_ offset: Int, _ count: Int, _ floats: UnsafeMutablePointer<Float>) -> Void)
    }

    /// The name in the base's checkpoint: `lm_head.weight`.
    public var name: String
    /// Keep it under `MODULE.base_layer`, where PEFT has the base's own tensor of a module that has factors too.
    public var isBaseLayer: Bool
    public var values: Values

    public init(name: String, isBaseLayer: Bool = false, values: Values) { (self.name, self.isBaseLayer, self.values) = (name, isBaseLayer, values) }

    public var format: NumberFormat {
      switch values {
      case .file(_, let tensor): tensor.format
      case .computed(let format, _, _): format
      }
    }
    public var shape: [Int] {
      switch values {
      case .file(_, let tensor): tensor.shape
      case .computed(_, let shape, _): shape
      }
    }
  }

  public var modules: [Module]
  public var saved: [Saved]
  /// Names of modules whose tensors were trained whole, as `modules_to_save` has them.
  public var modulesToSave: [String] = []
  /// Ends of names that stand for all modules that end so; nil: every module's full name is written.
  public var targets: [String]?
  public var isTransposed = false
  public var bias = AdapterConfiguration.Bias.none
  /// Embeddings and output layer share one weight, and stay one when PEFT loads the saved embeddings.
  public var tiesEmbeddings = false
  public var baseModel: String?
  public var taskType: String?

  public init(modules: [Module] = [], saved: [Saved] = []) { (self.modules, self.saved) = (modules, saved) }
}

extension AdapterContents {
  /// The text of adapter_config.json. `r` is the largest rank; other ranks go to `rank_pattern` and `alpha_pattern`.
  /// alpha equals the rank, so the scale is 1.
  var configurationText: String {
    let rank = modules.map(\.rank).max() ?? 1
    let patterns = OrderedJSON.object(patternedModules(rank).map { .init(key: $0.name, value: .number(Double($0.rank))) })
    func optional(_ text: String?) -> OrderedJSON { text.map(OrderedJSON.string) ?? .null }
    // Older versions of PEFT do not know this key, so it is there only where it matters.
    let tying: [(String, OrderedJSON)] = tiesEmbeddings ? [("ensure_weight_tying", .boolean(true))] : []
    let members: [(String, OrderedJSON)] =
      tying + [
        ("alpha_pattern", patterns), ("base_model_name_or_path", optional(baseModel)), ("bias", .string(bias.rawValue)),
        ("fan_in_fan_out", .boolean(isTransposed)), ("inference_mode", .boolean(true)), ("init_lora_weights", .boolean(true)),
        ("lora_alpha", .number(Double(rank))), ("lora_dropout", .number(0)),
        ("modules_to_save", modulesToSave.isEmpty ? .null : .array(modulesToSave.map(OrderedJSON.string))), ("peft_type", .string("LORA")),
        ("r", .number(Double(rank))), ("rank_pattern", patterns),
        ("target_modules", .array((targets ?? modules.map(\.name)).sorted().map(OrderedJSON.string))), ("task_type", optional(taskType)),
        ("use_dora", .boolean(false)), ("use_rslora", .boolean(false)),
      ]
    return OrderedJSON.object(members.map { .init(key: $0.0, value: $0.1) }).text() + "\n"
  }

  /// Modules that need an entry of their own, longer names first: PEFT takes the first key that a name ends with.
  private func patternedModules(_ rank: Int) -> [Module] {
    var isEnd = Set<String>()
    for module in modules {
      var rest = Substring(module.name)
      while let dot = rest.firstIndex(of: ".") {
        rest = rest[rest.index(after: dot)...]
        isEnd.insert(String(rest))
      }
    }
    // Where one module's name is the end of another's, a key for the one would also catch the other.
    let hasConflict = modules.contains { $0.rank != rank } && modules.contains { isEnd.contains($0.name) }
    return modules.filter { hasConflict || $0.rank != rank }.sorted { ($1.name.utf8.count, $0.name) < ($0.name.utf8.count, $1.name) }
  }
}
