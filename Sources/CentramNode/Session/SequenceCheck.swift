/// Which of a peer's frames came already. On the control stream numbers rise; frames on streams of their own may overtake each other and the
/// control stream's, so a window of the last numbers is kept. Every number is taken once.
struct SequenceCheck: Sendable {
  /// How far a frame on a stream of its own may be behind the newest.
  static let window: UInt64 = 1024

  /// The highest number of the control stream: all of its frames up to there came.
  private(set) var contiguous: UInt64 = 0
  private var highest: UInt64 = 0
  /// Bit i: `highest - i` came.
  private var seen = [UInt64](repeating: 0, count: Int(window / 64))

  init() {}

  /// - Returns: whether the number is new there.
  mutating func acceptControl(_ sequence: UInt64) -> Bool {
    guard sequence > contiguous, !hasSeen(sequence) else { return false }
    contiguous = sequence
    mark(sequence)
    return true
  }

  mutating func acceptOther(_ sequence: UInt64) -> Bool {
    guard sequence > 0, !hasSeen(sequence), highest < Self.window || sequence > highest - Self.window else { return false }
    mark(sequence)
    return true
  }

  private mutating func mark(_ sequence: UInt64) {
    if sequence > highest { shift(by: sequence - highest) }
    guard highest - sequence < Self.window else { return }
    let distance = Int(highest - sequence)
    seen[distance / 64] |= 1 << UInt64(distance % 64)
  }

  private func hasSeen(_ sequence: UInt64) -> Bool {
    guard sequence <= highest, highest - sequence < Self.window else { return false }
    let distance = Int(highest - sequence)
    return seen[distance / 64] & (1 << UInt64(distance % 64)) != 0
  }

  private mutating func shift(by distance: UInt64) {
    highest += distance
    guard distance < Self.window else {
      seen = [UInt64](repeating: 0, count: seen.count)
      return
    }
    let (words, bits) = (Int(distance / 64), distance % 64)
    for index in stride(from: seen.count - 1, through: 0, by: -1) {
      let low = index >= words ? seen[index - words] : 0
      let below = index > words ? seen[index - words - 1] : 0
      seen[index] = bits == 0 ? low : low << bits | below >> (64 - bits)
    }
  }
}
