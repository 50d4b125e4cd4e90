/// Where one of the output's layers was picked from: with several sources, the first.
public struct LayerOrigin: Sendable, Equatable {
  /// Index of the model.
  public let model: Int
  /// Number of the layer there.
  public let layer: Int

  public init(model: Int, layer: Int) { (self.model, self.layer) = (model, layer) }
}
