internal import CentramModel

/// What becomes of each tensor of a model when an adapter is extracted.
struct ExtractionPlan {
  struct Saved {
    let name: String
    let isBias: Bool
  }

  /// Modules to factorize, by name.
  private(set) var linear: [String] = []
  private(set) var saved: [Saved] = []
  private(set) var modulesToSave: [String] = []
  /// The last components of the names in `linear`, where they mean no other module; nil: full names are needed.
  private(set) var targets: [String]?
  /// The embeddings are saved, and the model has no output layer of its own.
  private(set) var tiesEmbeddings = false
  private(set) var warnings: [String] = []

  private enum Role { case linear, whole, bias, other }

  init(_ extraction: LoraExtraction) throws(MergeError) {
    let (model, base, options) = (extraction.model, extraction.base, extraction.options)
    let baseNames = Set(base.names), modelNames = Set(model.names)
    var matrices: [String] = []
    var whole: [String: [(tensor: String, isEqual: Bool)]] = [:]
    for name in model.names.sorted() {
      let module = name.split(separator: ".").dropLast().joined(separator: ".")
      let tensor = try model.tensor(name)
      let role = Self.role(name, tensor.shape)
      if role == .linear { matrices.append(module) }
      let isWanted = options.included.isEmpty || options.included.contains { $0.isFound(in: module) }
      guard isWanted, !options.excluded.contains(where: { $0.isFound(in: module) }) else { continue }
      guard baseNames.contains(name) else {
        guard role != .other else { continue }
        throw MergeError(.mismatch, "the model has \(name), the base has not; they are not of one kind, or one has tied weights stored twice")
      }
      guard tensor.format.isFloatingPoint else {
        guard role == .other else {
          throw MergeError(.input, "\(name) is stored as \(tensor.format.rawValue); extraction needs floating-point weights")
        }
        continue
      }
      switch role {
      case .linear: linear.append(module)
      case .whole: whole[Self.lastComponent(module), default: []].append((name, try Self.areEqual(tensor, base.tensor(name))))
      case .bias: if try !Self.areEqual(tensor, base.tensor(name)) { saved.append(Saved(name: name, isBias: true)) }
      case .other:
        if try !Self.areEqual(tensor, base.tensor(name)) { warnings.append("\(name) differs from the base's; an adapter has no place for it") }
      }
    }
    for (component, tensors) in whole.sorted(by: { $0.key < $1.key }) where !options.skipsUnchanged || tensors.contains(where: { !$0.isEqual }) {
      modulesToSave.append(component)
      saved += tensors.map { Saved(name: $0.tensor, isBias: false) }
    }
    let missing = base.names.filter { $0.hasSuffix(".weight") }.filter { !modelNames.contains($0) }
    if let first = missing.min() { warnings.append("the base has \(missing.count) weights that the model has not, such as \(first)") }
    tiesEmbeddings = modulesToSave.contains("embed_tokens") && !modelNames.contains("lm_head.weight")
    let ends = Set(linear.map(Self.lastComponent)), chosen = Set(linear)
    targets = matrices.allSatisfy { chosen.contains($0) || !ends.contains(Self.lastComponent($0)) } ? ends.sorted() : nil
  }

  private static func lastComponent(_ module: String) -> String { module.split(separator: ".").last.map(String.init) ?? module }

  private static func role(_ name: String, _ shape: [Int]) -> Role {
    if name.hasSuffix(".bias") { return .bias }
    guard name.hasSuffix(".weight") else { return .other }
    guard shape.count == 2 else { return shape.count == 1 ? .whole : .other }
    let component = lastComponent(String(name.dropLast(7)))
    return component.contains("embed") || ["lm_head", "wte", "wpe", "output", "shared"].contains(component) ? .whole : .linear
  }

  private static func areEqual(_ one: ExtractionTensor, _ other: ExtractionTensor) -> Bool {
    guard one.shape == other.shape, one.format == other.format, one.format.isFloatingPoint else { return false }
    let count = one.source.count
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * 65536) { scratch in
      let (first, second) = (scratch.baseAddress!, scratch.baseAddress! + 65536)
      var offset = 0
      while offset < count {
        let length = min(65536, count - offset)
        one.source.read(offset: offset, count: length, into: first)
        other.source.read(offset: offset, count: length, into: second)
        for index in 0..<length where first[index] != second[index] { return false }
        offset += length
      }
      return true
    }
  }
}
