extension GrammarBuilder {
  /// The integers of a range, in decimal without leading zeros and without `-0`.
  /// - Parameter range: within ±999,999,999,999,999.
  mutating func integer(in range: ClosedRange<Int>) throws(GenerationError) -> Int {
    var kinds: [Int] = []
    if range.lowerBound < 0 {
      let magnitudes = try natural(in: max(1, -range.upperBound)...(-range.lowerBound))
      kinds.append(try sequence(literal("-"), magnitudes))
    }
    if range.upperBound >= 0 { kinds.append(try natural(in: max(0, range.lowerBound)...range.upperBound)) }
    return try choice(kinds)
  }

  /// Length by length, since 2 comes before 10.
  private mutating func natural(in range: ClosedRange<Int>) throws(GenerationError) -> Int {
    var kinds: [Int] = [], least = range.lowerBound
    while least <= range.upperBound {
      let text = Array(String(least).utf8)
      let longest = Int(String(repeating: "9", count: text.count))!
      let greatest = min(longest, range.upperBound)
      kinds.append(try digits(from: text[...], to: Array(String(greatest).utf8)[...]))
      least = greatest + 1
    }
    return try choice(kinds)
  }

  /// Numbers of as many digits, from `least` to `greatest`; nil stands for all zeros and all nines.
  private mutating func digits(from least: ArraySlice<UInt8>?, to greatest: ArraySlice<UInt8>?, count: Int = 0) throws(GenerationError) -> Int {
    let count = least?.count ?? greatest?.count ?? count
    if count == 0 { return try add(.sequence([])) }
    let low = Int(least?.first ?? 0x30) - 0x30, high = Int(greatest?.first ?? 0x39) - 0x30
    if least == nil && greatest == nil { return try repeated(digit(), count, count) }
    if low == high, least != nil, greatest != nil {
      return try sequence(digit(low, low), digits(from: least!.dropFirst(), to: greatest!.dropFirst(), count: count - 1))
    }
    var kinds: [Int] = [], from = low, to = high
    if let least {
      kinds.append(try sequence(digit(low, low), digits(from: least.dropFirst(), to: nil, count: count - 1)))
      from += 1
    }
    if let greatest {
      kinds.append(try sequence(digit(high, high), digits(from: nil, to: greatest.dropFirst(), count: count - 1)))
      to -= 1
    }
    if from <= to { kinds.append(try sequence(digit(from, to), repeated(digit(), count - 1, count - 1))) }
    return try choice(kinds)
  }
}
