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
      let composed = Self.composed(text)
      return composed.elementsEqual(text) ? nil : composed
    }
  }

  /// Swift's standard library takes a character of plane 2 or above for the one 2¹⁷ below it when it composes. None of those composes
  /// with what follows, so the text is cut around them.
  private static func composed(_ text: UnsafeRawBufferPointer) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    func flush(_ range: Range<Int>) {
      guard !range.isEmpty else { return }
      let part = String(decoding: UnsafeRawBufferPointer(rebasing: text[range]), as: UTF8.self)
      result.append(contentsOf: part.precomposedStringWithCanonicalMapping.utf8)
    }
    var start = 0, position = 0
    while position < text.count {
      if text[position] >= 0xf0, UTF8Text.scalar(text, position).value >= 0x20000 {
        flush(start..<position)
        flush(position..<(position + 4))
        start = position + 4
        position += 4
      } else {
        position += 1
      }
    }
    flush(start..<text.count)
    return result
  }
}
