internal import Foundation

/// What is done to the text before anything else.
enum Normalizer: Sendable, Equatable {
  case none
  /// Unicode's canonical composition: e and a combining acute become é.
  case nfc

  /// The normalised bytes; nil where they are the same.
  func apply(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
    switch self {
    case .none: return nil
    case .nfc:
      // Below U+0300 (bytes below 0xcc) nothing composes.
      guard text.contains(where: { $0 >= 0xcc }) else { return nil }
      let composed = Array(String(decoding: text, as: UTF8.self).precomposedStringWithCanonicalMapping.utf8)
      return composed.elementsEqual(text) ? nil : composed
    }
  }
}
