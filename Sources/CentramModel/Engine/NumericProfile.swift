/// Which arithmetic a model runs in. Peers that share a model compare the ids before the first token: the same profile gives
/// the same bits on every machine.
public enum NumericProfile: String, Sendable, CaseIterable {
  /// Weights as they are, activations and sums in float32.
  case exact = "c16-fma-v1"
  /// Activations rounded to 8 bits in blocks of 32 before they meet a quantised matrix; everything else as in `exact`.
  case int8 = "c16-int8-v1"

  public var id: String { rawValue }
}
