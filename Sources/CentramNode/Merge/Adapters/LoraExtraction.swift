public import CentramModel
public import CentramPluginAPI

/// A checkpoint as extraction reads it.
public protocol ExtractionTensors: Sendable {
  var names: [String] { get }
  func tensor(_ name: String) throws(MergeError) -> ExtractionTensor
}

public struct ExtractionTensor: Sendable {
  public var format: NumberFormat
  public var shape: [Int]
  public var source: any TensorSource
  public init(format: NumberFormat, shape: [Int], source: any TensorSource) { (self.format, self.shape, self.source) = (format, shape, source) }
}

/// Makes an adapter of the difference between a model and its base: each linear layer's difference cut to its largest
/// singular values; embeddings, lm_head and norms, which factors do not suit, saved whole; trained biases saved too.
///
/// One matrix is in memory at a time: about 40 bytes an element of the largest while its singular values are found.
public struct LoraExtraction: Sendable {
  public struct Options: Sendable {
    public var maximumRank = 128
    /// Singular values at most this are left out.
    public var threshold = 0.0
    /// √S to both factors, else all of S to A.
    public var distributesScale = true
    /// If not empty, only modules in whose names one of these is found.
    public var included: [NamePattern] = []
    /// Modules in whose names one of these is found are left as the base has them.
    public var excluded: [NamePattern] = []
    /// Leaves out what would be saved whole where model and base have the same bytes in all layers.
    public var skipsUnchanged = false
    public var format = NumberFormat.float32
    /// The base's name in adapter_config.json.
    public var baseModel: String?
    public var taskType: String? = "CAUSAL_LM"
    /// Called before each module and at the end.
    public var progress: @Sendable (_ done: Int, _ total: Int, _ module: String) -> Void = { _, _, _ in }
    public var isCancelled: @Sendable () -> Bool = { false }
    public init() {}
  }

  public let model: any ExtractionTensors
  public let base: any ExtractionTensors
  public let operation: any AdapterExtracting
  public let options: Options

  /// - Parameter operation: finds the factors, such as `merge.lora_svd`.
  public init(model: any ExtractionTensors, base: any ExtractionTensors, operation: any AdapterExtracting, options: Options = Options()) {
    (self.model, self.base, self.operation, self.options) = (model, base, operation, options)
  }

  /// Writes the adapter into `folder`.
  public func run(to folder: String) throws(MergeError) -> AdapterMergeReport {
    let (contents, report) = try extracted()
    do throws(ModelFileError) {
      try AdapterWriter.write(contents, to: folder, format: options.format)
    } catch {
      throw MergeError(.output, error.message)
    }
    return report
  }

  /// The adapter in memory.
  public func extracted() throws(MergeError) -> (contents: AdapterContents, report: AdapterMergeReport) {
    guard options.maximumRank >= 1 else { throw MergeError(.configuration, "the maximum rank is \(options.maximumRank); it must be at least 1") }
    let plan = try ExtractionPlan(self)
    var report = AdapterMergeReport(warnings: plan.warnings)
    var contents = AdapterContents(modules: [])
    for (done, name) in plan.linear.enumerated() {
      guard !options.isCancelled() else { throw MergeError(.cancelled, "the extraction was cancelled") }
      options.progress(done, plan.linear.count, name)
      let module = try extract(name)
      report.ranks[name] = module.rank
      contents.modules.append(module)
    }
    options.progress(plan.linear.count, plan.linear.count, "")
    guard !contents.modules.isEmpty else {
      throw MergeError(.input, "the model has no linear layers to extract; the patterns may leave out too much")
    }
    for saved in plan.saved {
      let tensor = try model.tensor(saved.name), source = tensor.source
      let values = AdapterContents.Saved.Values.computed(format: tensor.format, shape: tensor.shape) { offset, count, floats in
        source.read(offset: offset, count: count, into: floats)
      }
      contents.saved.append(.init(name: saved.name, isBaseLayer: saved.isBias, values: values))
      // PEFT looks for the output layer's copy when it ties the two.
      if plan.tiesEmbeddings && saved.name.hasSuffix("embed_tokens.weight") { contents.saved.append(.init(name: "lm_head.weight", values: values)) }
    }
    contents.modulesToSave = plan.modulesToSave
    contents.bias = plan.saved.contains(where: \.isBias) ? .all : .none
    contents.tiesEmbeddings = plan.tiesEmbeddings
    (contents.targets, contents.baseModel, contents.taskType) = (plan.targets, options.baseModel, options.taskType)
    return (contents, report)
  }

  private func extract(_ name: String) throws(MergeError) -> AdapterContents.Module {
    let tensor = try model.tensor("\(name).weight"), other = try base.tensor("\(name).weight")
    guard tensor.shape == other.shape else {
      throw MergeError(.mismatch, "\(name).weight has the shape \(tensor.shape) in the model and \(other.shape) in the base")
    }
    let (outputs, inputs) = (tensor.shape[0], tensor.shape[1])
    let difference = Self.difference(tensor.source, other.source)
    let outcome: Result<LowRankFactors, PluginError> = difference.withUnsafeBufferPointer { matrix in
      do throws(PluginError) {
        return .success(
          try operation.extract(
            matrix, outputs: outputs, inputs: inputs, maximumRank: options.maximumRank, threshold: options.threshold,
            distributeScale: options.distributesScale))
      } catch { return .failure(error) }
    }
    switch outcome {
    case .success(let factors):
      guard factors.a.count == factors.rank * inputs, factors.b.count == outputs * factors.rank else {
        throw MergeError(.operator, "\(name): the operator's factors do not make rank \(factors.rank) for \(outputs) × \(inputs)")
      }
      return .init(name: name, outputs: outputs, inputs: inputs, rank: factors.rank, a: factors.a, b: factors.b)
    case .failure(let error): throw MergeError(.operator, "\(name): \(error.message)")
    }
  }

  /// model - base in float32.
  private static func difference(_ model: any TensorSource, _ base: any TensorSource) -> [Float] {
    let count = model.count
    return [Float](unsafeUninitializedCapacity: count) { result, initialized in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: 65536) { scratch in
        var offset = 0
        while offset < count {
          let length = min(65536, count - offset)
          let target = result.baseAddress! + offset
          model.read(offset: offset, count: length, into: target)
          base.read(offset: offset, count: length, into: scratch.baseAddress!)
          for index in 0..<length { target[index] -= scratch[index] }
          offset += length
        }
      }
      initialized = count
    }
  }
}
