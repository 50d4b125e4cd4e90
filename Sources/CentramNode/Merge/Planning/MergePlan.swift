public import CentramModel
public import CentramPluginAPI

/// What has to be done to merge, tensor by tensor, worked out before anything is read.
public struct MergePlan: Sendable, Equatable {
  public struct Input: Sendable, Hashable {
    /// In `MergePlan.models`.
    public var model: Int
    /// The name of the tensor in that model.
    public var tensor: String

    public init(model: Int, tensor: String) { (self.model, self.tensor) = (model, tensor) }
  }

  public struct Merge: Sendable, Equatable {
    /// In the user's order, a base model that is not listed last.
    public var inputs: [Input]
    public var baseIndex: Int?
    public var parameters: Parameters
    /// The inputs' models as they are written.
    public var modelNames: [String]

    public init(inputs: [Input], baseIndex: Int?, parameters: Parameters, modelNames: [String]) {
      (self.inputs, self.baseIndex, self.parameters, self.modelNames) = (inputs, baseIndex, parameters, modelNames)
    }
  }

  public enum Action: Sendable, Equatable {
    case merge(Merge)
    /// The tensor is taken over; `mustEqual` are tensors of other inputs that have to hold the same bytes.
    case copy(Input, mustEqual: [Input])
  }

  public struct Tensor: Sendable, Equatable {
    /// In the output.
    public var name: String
    /// Of the output. Vocabulary tensors have the new number of rows where tokenizers are aligned.
    public var shape: [Int]
    /// Of the output.
    public var format: NumberFormat
    /// What inputs are rounded to before arithmetic; nil: nothing.
    public var workFormat: NumberFormat?
    public var action: Action
    /// Whether its first axis has one row for each token.
    public var isVocabulary: Bool

    public init(name: String, shape: [Int], format: NumberFormat, workFormat: NumberFormat? = nil, action: Action, isVocabulary: Bool = false) {
      (self.name, self.shape, self.format, self.workFormat) = (name, shape, format, workFormat)
      (self.action, self.isVocabulary) = (action, isVocabulary)
    }

    public var count: Int { shape.reduce(1, *) }
    public var bytes: Int { count * format.size }
  }

  /// What `--dry-run` shows.
  public struct Summary: Sendable, Equatable {
    public var merged = 0, copied = 0
    /// Of the output.
    public var elements = 0
    /// Bytes of input tensors; what is read for several outputs counts each time.
    public var bytesIn = 0
    public var bytesOut = 0

    public init(merged: Int = 0, copied: Int = 0, elements: Int = 0, bytesIn: Int = 0, bytesOut: Int = 0) {
      (self.merged, self.copied, self.elements, self.bytesIn, self.bytesOut) = (merged, copied, elements, bytesIn, bytesOut)
    }
  }

  public var models: [ModelReference]
  /// Embeddings, then layers by number, then the rest; by name inside each.
  public var tensors: [Tensor]
  /// What is done, but likely not meant.
  public var warnings: [String]
  /// Of the output; 0 where no tensor's name has the number of a layer.
  public var layerCount: Int
  /// Whether the output has a head of its own although a model shares it with the embedding: then the output's
  /// config.json must say `tie_word_embeddings: false`.
  public var untiesHead: Bool
  public var summary: Summary
}
