public import CentramModel

public struct ChatMessage: Sendable, Equatable {
  public var role: String, content: String
  public init(role: String, content: String) { (self.role, self.content) = (role, content) }
}

extension LoadedModel {
  /// The tokens of a conversation in the model's template, up to where its answer begins.
  public func prompt(_ messages: [ChatMessage]) throws(ModelFileError) -> [Int32] {
    throw ModelFileError(.unsupported, "no template")
  }
}
