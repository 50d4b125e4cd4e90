public import CentramModel
public import CentramPluginAPI

/// Merges adapters into one, module by module, without their base.
///
/// An operator that knows adapters gets their factors. A dense rule works too: `linear` and `task_arithmetic` become
/// the exact concatenation, every other one runs in Core Space.
///
/// Modules are the union over the adapters. An adapter that lacks a module changes nothing there, so it is no input there.
public struct AdapterMergeJob: Sendable {
  public struct Input: Sendable {
    /// As the user wrote it; masks are found by it.
    public var name: String
    public var adapter: Adapter
    public init(name: String, adapter: Adapter) { (self.name, self.adapter) = (name, adapter) }
  }

  public struct Options: Sendable {
    /// Recompresses modules of a higher rank; nil: leaves them as the operator made them.
    public var outputRank: Int?
    /// Of the factors in the file.
    public var format = NumberFormat.float32
    public var seed: UInt64 = 0
    public var masks: (any MaskProvider)?
    /// Called before each module and at the end.
    public var progress: @Sendable (_ done: Int, _ total: Int, _ module: String) -> Void = { _, _, _ in }
    public var isCancelled: @Sendable () -> Bool = { false }
    public init() {}
  }

  public let inputs: [Input]
  /// The operator's id, with or without `merge.` in front.
  public let rule: String
  public let operation: any MergeOperator
  public let options: Options
  let parameters: @Sendable (String) throws(MergeError) -> Parameters
  let resolve: @Sendable (String) throws(MergeError) -> any MergeOperator

  /// - Parameters:
  ///   - parameters: what the user set for a module, one set for each input in `perInput`; the operator's defaults are
  ///     filled in here. Also asked for the modules whose tensors were saved whole, for `weight`.
  ///   - resolve: finds an operator by id. Asked for `merge.lora_cat`, `merge.lora_svd` and `merge.core_space` where they are
  ///     needed, and for the rule that Core Space names.
  public init(
    _ inputs: [Input], rule: String, operation: any MergeOperator, options: Options = Options(),
    parameters: @escaping @Sendable (_ module: String) throws(MergeError) -> Parameters,
    resolve: @escaping @Sendable (_ id: String) throws(MergeError) -> any MergeOperator
  ) {
    (self.inputs, self.rule, self.operation, self.options) = (inputs, rule, operation, options)
    (self.parameters, self.resolve) = (parameters, resolve)
  }

  /// Writes the merged adapter into `folder`.
  public func run(to folder: String) throws(MergeError) -> AdapterMergeReport {
    let (contents, report) = try merged()
    do throws(ModelFileError) {
      try AdapterWriter.write(contents, to: folder, format: options.format)
    } catch {
      throw MergeError(.output, error.message)
    }
    return report
  }

  /// The merged adapter in memory.
  public func merged() throws(MergeError) -> (contents: AdapterContents, report: AdapterMergeReport) {
    try checkInputs()
    var report = AdapterMergeReport()
    let names = Set(inputs.flatMap { $0.adapter.modules.map(\.name) }).sorted()
    let route = try AdapterRoute(self)
    var modules: [AdapterContents.Module] = []
    for (done, name) in names.enumerated() {
      guard !options.isCancelled() else { throw MergeError(.cancelled, "the merge was cancelled") }
      options.progress(done, names.count, name)
      modules.append(try route.merge(name))
    }
    options.progress(names.count, names.count, "")
    report.ranks = Dictionary(uniqueKeysWithValues: modules.map { ($0.name, $0.rank) })
    var contents = AdapterContents(modules: modules)
    try addSavedTensors(to: &contents, &report)
    describe(&contents, &report)
    return (contents, report)
  }

  private func checkInputs() throws(MergeError) {
    guard !inputs.isEmpty else { throw MergeError(.configuration, "no adapters to merge") }
    for input in inputs {
      let configuration = input.adapter.configuration
      guard !configuration.usesMagnitudes else {
        throw MergeError(
          .input,
          "\(input.name) uses DoRA: its change depends on the base's weights, so its factors cannot be combined with others'; "
            + "merge checkpoints instead (base+adapter)")
      }
      guard configuration.bias == .none else {
        throw MergeError(
          .input,
          "\(input.name) has trained biases (bias: \(configuration.bias.rawValue)), which belong to it alone; merge checkpoints instead (base+adapter)")
      }
      guard configuration.isTransposed == inputs[0].adapter.configuration.isTransposed else {
        throw MergeError(.mismatch, "\(input.name) and \(inputs[0].name) differ in fan_in_fan_out, so they are adapters of different bases")
      }
    }
  }

  /// What adapter_config.json says beside the ranks.
  private func describe(_ contents: inout AdapterContents, _ report: inout AdapterMergeReport) {
    let configurations = inputs.map(\.adapter.configuration)
    let bases = configurations.compactMap(\.baseModel)
    contents.baseModel = bases.first
    if Set(bases).count > 1 {
      report.warnings.append("the adapters name different bases: \(Set(bases).sorted().joined(separator: ", ")); the result names \(bases[0])")
    }
    contents.taskType = Set(configurations.map(\.taskType)).count == 1 ? configurations[0].taskType : nil
    contents.tiesEmbeddings = configurations.contains(where: \.tiesEmbeddings)
    contents.isTransposed = configurations[0].isTransposed
    contents.targets = targets(contents.modules)
  }

  /// The inputs' own short names, where each of them stands for all modules that end so.
  private func targets(_ modules: [AdapterContents.Module]) -> [String]? {
    var ends = Set<String>()
    for configuration in inputs.map(\.adapter.configuration) {
      guard case .names(let names) = configuration.targets, !configuration.hasExceptions else { return nil }
      ends.formUnion(names)
    }
    let areCovered = modules.allSatisfy { module in
      ends.contains(module.name) || ends.contains { module.name.hasSuffix(".\($0)") }
    }
    return areCovered ? ends.sorted() : nil
  }
}

/// What a merge of adapters did.
public struct AdapterMergeReport: Sendable, Equatable {
  /// By module.
  public var ranks: [String: Int] = [:]
  /// Sentences for the user.
  public var warnings: [String] = []
}
