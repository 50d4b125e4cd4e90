public import CentramModel

/// One document of a merge configuration, understood and checked as far as that goes without the models and without
/// the operator. Its text has mergekit's format; `docs/reference/merge-configuration.md` lists the keys.
public struct MergeConfiguration: Sendable, Equatable {
  /// A model that takes part.
  public struct Source: Sendable, Equatable {
    public var model: ModelReference
    /// Which of its layers; nil for all.
    public var layers: Range<Int>?
    public var parameters: ParameterSettings
    public var place: ConfigurationPlace
  }

  /// A run of output layers, made of equally many layers of each source.
  public struct Slice: Sendable, Equatable {
    public var sources: [Source]
    /// In place of the document's base model.
    public var baseModel: ModelReference?
    public var parameters: ParameterSettings
    public var place: ConfigurationPlace
  }

  public enum Inputs: Sendable, Equatable {
    /// Whole models.
    case models([Source])
    /// Runs of layers, stacked in order.
    case slices([Slice])
  }

  public enum Output: Sendable, Equatable {
    /// A checkpoint.
    case model
    /// A PEFT adapter; without a rank the operator chooses.
    case adapter(rank: Int?)
  }

  public var inputs: Inputs
  /// The operator's name, as written: `ties`.
  public var method: String
  public var baseModel: ModelReference?
  /// `dtype`: what inputs are rounded to before arithmetic.
  public var workFormat: NumberFormat?
  /// `out_dtype`: what the output is rounded to.
  public var outputFormat: NumberFormat?
  public var tokenizer: TokenizerConfiguration?
  public var chatTemplate: ChatTemplateSetting?
  public var output: Output
  /// Of the document.
  public var parameters: ParameterSettings
  /// Of the module `default`, where `modules` is used.
  public var moduleParameters: ParameterSettings
  /// Of the document.
  public var place: ConfigurationPlace
  /// Of `merge_method`.
  public var methodPlace: ConfigurationPlace

  /// The models whose tensors are read, each once, in the order of the text, the base model last if it is not listed.
  public var models: [ModelReference] {
    let sources: [Source]
    var bases: [ModelReference?] = [baseModel]
    switch inputs {
    case .models(let list): sources = list
    case .slices(let slices):
      sources = slices.flatMap(\.sources)
      bases = slices.map(\.baseModel) + bases
    }
    var seen: Set<ModelReference> = []
    return (sources.map(\.model) + bases.compactMap { $0 }).filter { seen.insert($0).inserted }
  }

  /// The models that are named anywhere, for the tokenizer too, each once.
  public var allModels: [ModelReference] {
    var seen: Set<ModelReference> = []
    return (models + (tokenizer?.models ?? [])).filter { seen.insert($0).inserted }
  }
}
