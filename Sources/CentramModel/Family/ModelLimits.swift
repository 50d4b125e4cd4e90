/// What a configuration may say; far beyond any model of these families, and small enough that no product overflows.
enum ModelLimits {
  static let layers = 1...4096
  static let hidden = 1...(1 << 20)
  static let intermediate = 1...(1 << 22)
  static let heads = 1...4096
  static let headSize = 1...4096
  static let vocabulary = 1...(1 << 24)
  static let contextLength = 1...(1 << 28)
  static let theta = 1.0...1e15
  static let ropeFactor = 1.0...1e6
  static let normEpsilon = 0.0...0.1
  static let endTokens = 64
}

extension ModelConfiguration {
  /// What no single number shows.
  /// - Parameter file: for messages.
  func check(_ file: String) throws(ModelFileError) {
    func malformed(_ message: String) -> ModelFileError { ModelFileError(.malformed, "\(file): \(message)") }
    guard keyValueHeads <= heads, heads % keyValueHeads == 0 else {
      throw malformed("\(heads) attention heads cannot share \(keyValueHeads) key-value heads")
    }
    guard rope == nil || headSize % 2 == 0 else { throw malformed("heads of \(headSize) cannot be rotated; the size must be even") }
  }
}
