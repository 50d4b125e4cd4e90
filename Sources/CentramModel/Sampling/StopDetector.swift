/// Ends a text at the first of its stop strings, and holds back what may become one. What comes out does not depend on how the text is cut
/// into pieces.
public struct StopDetector: Sendable {
  private let stops: [[UInt8]]
  private var held: [UInt8] = []
  /// The stop string that ended the text; of two that end at the same byte the longer.
  public private(set) var found: String?

  public static let mostStops = 64, longestStop = 1000

  public init(_ stops: [String]) throws(GenerationError) {
    guard stops.count <= Self.mostStops else { throw GenerationError(.parameter, "\(stops.count) stop strings: at most \(Self.mostStops)") }
    for stop in stops {
      guard !stop.isEmpty else { throw GenerationError(.parameter, "a stop string is empty") }
      guard stop.utf8.count <= Self.longestStop else {
        throw GenerationError(.parameter, "the stop string \"\(stop.prefix(40))…\" has \(stop.utf8.count) bytes: at most \(Self.longestStop)")
      }
    }
    self.stops = stops.map { Array($0.utf8) }.sorted { $0.count > $1.count }
  }

  /// Takes the next piece; returns what can be shown of it and of what was held back. Nothing once a stop string was found.
  public mutating func consume(_ piece: String) -> String {
    guard found == nil else { return "" }
    if stops.isEmpty { return piece }
    for byte in piece.utf8 {
      held.append(byte)
      guard let stop = stops.first(where: { endsHeld($0) }) else { continue }
      found = String(decoding: stop, as: UTF8.self)
      let text = String(decoding: held.dropLast(stop.count), as: UTF8.self)
      held = []
      return text
    }
    return release()
  }

  /// What was held back when no more text comes.
  public mutating func finish() -> String {
    defer { held = [] }
    return String(decoding: held, as: UTF8.self)
  }

  private func endsHeld(_ stop: [UInt8]) -> Bool { held.last == stop.last && held.count >= stop.count && held.suffix(stop.count).elementsEqual(stop) }

  private mutating func release() -> String {
    let most = min(held.count, stops[0].count - 1)
    let kept = stride(from: most, to: 0, by: -1).first { length in
      stops.contains { $0.count > length && $0.prefix(length).elementsEqual(held.suffix(length)) }
    }
    let count = held.count - (kept ?? 0)
    // A stop string begins where a character begins, so the cut is between characters.
    defer { held.removeFirst(count) }
    return String(decoding: held.prefix(count), as: UTF8.self)
  }
}
