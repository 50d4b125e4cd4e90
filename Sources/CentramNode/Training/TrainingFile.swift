internal import CentramHost
internal import Foundation

/// A configuration file of a training: YAML with mlx-lm's keys (`mlx_lm.lora --config`), and our own `trainer` and `parameters`.
/// What the command line says goes before it.
public struct TrainingFile: Sendable, Equatable {
  public var model: String?, data: String?, output: String?, trainer: String?, initialAdapter: String?
  public var seed: UInt64?, layers: Int?, stepsPerReport: Int?
  public var masksPrompts: Bool?, recomputes: Bool?
  /// Parameters of the trainer as text.
  public var parameters: [String: String] = [:]

  public init() {}

  public init(yaml: String, name: String) throws(TrainingJobError) {
    guard yaml.utf8.count <= 1 << 20 else { throw TrainingJobError(.configuration, "\(name): \(yaml.utf8.count) bytes; 1 MiB is the limit") }
    let documents: [ConfigurationNode]
    do throws(MergeError) { documents = try YAMLReader.read(yaml, file: name) } catch { throw TrainingJobError(.configuration, error.message) }
    guard documents.count == 1, case .map(let entries) = documents[0].content else { throw TrainingJobError(.configuration, "\(name): not one mapping of keys") }
    for entry in entries { try read(entry, name) }
  }

  /// Keys that are a parameter of the trainer under another name.
  private static let parameterNames = [
    "batch_size": "batch", "iters": "steps", "val_batches": "validation_batches", "learning_rate": "learning_rate", "steps_per_eval": "validate_every",
    "save_every": "checkpoint_every", "max_seq_length": "length", "grad_accumulation_steps": "accumulation", "epochs": "epochs",
  ]
  private static let keys =
    [
      "model", "train", "data", "fine_tune_type", "optimizer", "optimizer_config", "seed", "num_layers", "steps_per_report", "resume_adapter_file", "adapter_path",
      "grad_checkpoint", "mask_prompt", "lora_parameters", "lr_schedule", "trainer", "parameters",
    ] + parameterNames.keys

  private mutating func read(_ entry: ConfigurationNode.Entry, _ file: String) throws(TrainingJobError) {
    let place = Place(file: file, key: entry.key, line: entry.keyLine), value = entry.value
    if case .null = value.content { return }
    if let parameter = Self.parameterNames[entry.key] {
      parameters[parameter] = try place.number(value)
      return
    }
    switch entry.key {
    case "model": model = try place.text(value)
    case "data": data = try place.text(value)
    case "adapter_path": output = try place.text(value)
    case "resume_adapter_file": initialAdapter = try place.text(value)
    case "trainer": trainer = try place.text(value)
    case "fine_tune_type": trainer = try Self.trainer(place.text(value))
    case "train": guard try place.flag(value) else { throw place.error("is false; this command trains") }
    case "seed": seed = try place.integer(value).flatMap { UInt64(exactly: $0) }
    case "num_layers": layers = try place.integer(value)
    case "steps_per_report": stepsPerReport = try place.integer(value)
    case "grad_checkpoint": recomputes = try place.flag(value)
    case "mask_prompt": masksPrompts = try place.flag(value)
    case "optimizer": guard try place.text(value) == "adamw" else { throw place.error("is none of ours; adamw is") }
    case "optimizer_config": try optimizer(value, place)
    case "lora_parameters": try lora(value, place)
    case "lr_schedule": try schedule(value, place)
    case "parameters": for (key, value) in try place.members(value) { parameters[key] = try place.inner(key).scalar(value) }
    default: throw TrainingJobError(.configuration, "\(file):\(entry.keyLine): \(entry.key.prefix(60)) is no key" + CentramHost.NearestName.hint(for: entry.key, among: Self.keys))
    }
  }

  /// mlx-lm's kinds of fine-tuning.
  public static func trainer(_ type: String) throws(TrainingJobError) -> String {
    switch type {
    case "lora": "trainer.lora"
    case "full": "trainer.full-delta"
    default: throw TrainingJobError(.configuration, "fine-tune-type \(type.prefix(40)) is none of ours; lora and full are, and trainers by their ids")
    }
  }

  private mutating func lora(_ value: ConfigurationNode, _ place: Place) throws(TrainingJobError) {
    var rank = 8.0, scale: Double?
    for (key, value) in try place.members(value) {
      let inner = place.inner(key)
      switch key {
      case "rank":
        parameters["rank"] = try inner.number(value)
        rank = Double(parameters["rank"] ?? "") ?? rank
      case "alpha": parameters["alpha"] = try inner.number(value)
      case "scale": scale = Double(try inner.number(value))
      case "dropout": parameters["dropout"] = try inner.number(value)
      case "keys":
        // mlx-lm writes self_attn.q_proj; the last part tells the module.
        parameters["targets"] = try inner.texts(value).map { $0.split(separator: ".").last.map(String.init) ?? $0 }.joined(separator: ",")
      default: throw inner.error("is no key; known are rank, alpha, scale, dropout, keys")
      }
    }
    // mlx-lm's scale is the factor itself, alpha / rank, and goes before alpha there too.
    if let scale { parameters["alpha"] = "\(scale * rank)" }
  }

  private mutating func optimizer(_ value: ConfigurationNode, _ place: Place) throws(TrainingJobError) {
    for (key, value) in try place.members(value) {
      guard key == "adamw" else { continue }
      for (key, value) in try place.inner(key).members(value) {
        let inner = place.inner("adamw.\(key)")
        switch key {
        case "weight_decay": parameters["weight_decay"] = try inner.number(value)
        case "eps": parameters["adam_epsilon"] = try inner.number(value)
        case "betas":
          let betas = try inner.numbers(value)
          guard betas.count == 2 else { throw inner.error("needs two numbers") }
          (parameters["beta1"], parameters["beta2"]) = (betas[0], betas[1])
        default: throw inner.error("is no key; known are weight_decay, eps, betas")
        }
      }
    }
  }

  /// `name` with `arguments`, where the first is the peak, the second the steps, the third the end.
  private mutating func schedule(_ value: ConfigurationNode, _ place: Place) throws(TrainingJobError) {
    for (key, value) in try place.members(value) {
      let inner = place.inner(key)
      switch key {
      case "name":
        let name = try inner.text(value)
        guard let schedule = ["cosine_decay": "cosine", "linear_schedule": "linear", "cosine": "cosine", "linear": "linear", "constant": "constant"][name] else {
          throw inner.error("is \(name.prefix(40)); cosine_decay, linear_schedule and constant are known")
        }
        parameters["schedule"] = schedule
      case "warmup": parameters["warm_up"] = try inner.number(value)
      case "warmup_init": guard Double(try inner.number(value)) == 0 else { throw inner.error("is not 0; a warm-up starts from 0 here") }
      case "arguments":
        let arguments = try inner.numbers(value)
        if arguments.count > 0 { parameters["learning_rate"] = arguments[0] }
        if arguments.count > 2 { parameters["minimum_learning_rate"] = arguments[2] }
      default: throw inner.error("is no key; known are name, warmup, warmup_init, arguments")
      }
    }
  }

  /// A key with what its value may be.
  private struct Place {
    let file: String, key: String, line: Int

    func error(_ message: String) -> TrainingJobError { TrainingJobError(.configuration, "\(file):\(line): \(key.prefix(80)) \(message)") }
    func inner(_ name: String) -> Place { Place(file: file, key: "\(key).\(name)", line: line) }

    func text(_ node: ConfigurationNode) throws(TrainingJobError) -> String {
      guard case .text(let text) = node.content else { throw error("is \(node.kind), not a text") }
      return text
    }
    func flag(_ node: ConfigurationNode) throws(TrainingJobError) -> Bool {
      guard case .boolean(let flag) = node.content else { throw error("is \(node.kind), not true or false") }
      return flag
    }
    func number(_ node: ConfigurationNode) throws(TrainingJobError) -> String {
      switch node.content {
      case .number(let number): return ParameterText.number(number)
      // 1e-5 without a point is a text in YAML 1.1, and mlx-lm reads it as a number.
      case .text(let text) where Double(text) != nil: return text
      default: throw error("is \(node.kind), not a number")
      }
    }
    func integer(_ node: ConfigurationNode) throws(TrainingJobError) -> Int? {
      guard let value = Double(try number(node)), let whole = Int(exactly: value) else { throw error("is \(node.kind), not a whole number") }
      return whole
    }
    func scalar(_ node: ConfigurationNode) throws(TrainingJobError) -> String {
      switch node.content {
      case .boolean(let flag): return "\(flag)"
      case .text(let text): return text
      case .list: return try texts(node).joined(separator: ",")
      default: return try number(node)
      }
    }
    private func list(_ node: ConfigurationNode) throws(TrainingJobError) -> [ConfigurationNode] {
      guard case .list(let list) = node.content else { throw error("is \(node.kind), not a list") }
      return list
    }
    func numbers(_ node: ConfigurationNode) throws(TrainingJobError) -> [String] {
      try list(node).map { (node) throws(TrainingJobError) in try number(node) }
    }
    func texts(_ node: ConfigurationNode) throws(TrainingJobError) -> [String] {
      try list(node).map { (node) throws(TrainingJobError) in try text(node) }
    }
    func members(_ node: ConfigurationNode) throws(TrainingJobError) -> [(String, ConfigurationNode)] {
      guard case .map(let entries) = node.content else { throw error("is \(node.kind), not a mapping") }
      return entries.map { ($0.key, $0.value) }
    }
  }
}
