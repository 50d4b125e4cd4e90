/// A file that a model's listing names.
struct RemoteFile: Sendable, Equatable {
  /// What its bytes must give.
  enum Digest: Sendable, Equatable {
    case sha256(String)
    /// SHA-1 over git's header and the bytes, which the hub gives for small files.
    case gitBlob(String)

    /// 64 or 40 hexadecimal digits.
    init?(_ text: String) {
      let text = text.lowercased()
      guard text.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else { return nil }
      switch text.utf8.count {
      case 64: self = .sha256(text)
      case 40: self = .gitBlob(text)
      default: return nil
      }
    }

    var hex: String {
      switch self {
      case .sha256(let hex), .gitBlob(let hex): hex
      }
    }
  }

  /// In the model's folder; may have folders in front.
  let path: String
  /// Bytes; nil where the listing does not say.
  let size: Int?
  let digest: Digest
  let url: String
}
