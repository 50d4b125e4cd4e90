/// Text in a template, by scalars, each of which knows whether it comes from the template or from a message. Whatever a template does to a text,
/// its scalars keep that, so that a user's `<|im_end|>` stays a user's.
struct JinjaText: Sendable, Hashable {
  /// Scalars; the highest bit is set for those of a message.
  var units: [UInt32]

  static let untrusted: UInt32 = 1 << 31
  private static let mask: UInt32 = untrusted - 1

  init(units: [UInt32] = []) { self.units = units }

  init(_ text: String, trusted: Bool = true) {
    let flag = trusted ? 0 : Self.untrusted
    units = text.unicodeScalars.map { $0.value | flag }
  }

  var count: Int { units.count }
  var isEmpty: Bool { units.isEmpty }

  func scalar(_ index: Int) -> UInt32 { units[index] & Self.mask }

  var string: String {
    var view = String.UnicodeScalarView()
    for unit in units { view.append(Unicode.Scalar(unit & Self.mask) ?? "\u{fffd}") }
    return String(view)
  }

  /// Whether all of it comes from the template.
  var isTrusted: Bool { units.allSatisfy { $0 & Self.untrusted == 0 } }

  /// Two texts are the same when their scalars are; where they come from does not count.
  static func == (first: JinjaText, second: JinjaText) -> Bool {
    first.units.count == second.units.count && zip(first.units, second.units).allSatisfy { $0 & mask == $1 & mask }
  }

  func hash(into hasher: inout Hasher) { for unit in units { hasher.combine(unit & Self.mask) } }

  static func < (first: JinjaText, second: JinjaText) -> Bool { first.units.lazy.map { $0 & mask }.lexicographicallyPrecedes(second.units.lazy.map { $0 & mask }) }

  /// Runs of one origin.
  var pieces: [TextPiece] {
    var result: [TextPiece] = []
    var start = 0
    while start < units.count {
      var end = start + 1
      while end < units.count, (units[end] ^ units[start]) & Self.untrusted == 0 { end += 1 }
      result.append(TextPiece(JinjaText(units: Array(units[start..<end])).string, isTrusted: units[start] & Self.untrusted == 0))
      start = end
    }
    return result
  }
}

// MARK: - What Python's str does

extension JinjaText {
  static func isSpace(_ value: UInt32) -> Bool { CharacterClass.isSpace(value) || (0x1c...0x1f).contains(value) }

  func stripped(left: Bool = true, right: Bool = true, _ characters: JinjaText? = nil) -> JinjaText {
    let set = characters.map { Set($0.units.map { $0 & Self.mask }) }
    func goes(_ index: Int) -> Bool { set?.contains(scalar(index)) ?? Self.isSpace(scalar(index)) }
    var start = 0, end = count
    while left, start < end, goes(start) { start += 1 }
    while right, end > start, goes(end - 1) { end -= 1 }
    return JinjaText(units: Array(units[start..<end]))
  }

  func matches(_ other: JinjaText, at place: Int) -> Bool {
    guard place >= 0, place + other.count <= count else { return false }
    for index in 0..<other.count where scalar(place + index) != other.scalar(index) { return false }
    return true
  }

  func find(_ other: JinjaText, from start: Int = 0) -> Int? {
    var place = start
    while place + other.count <= count {
      if matches(other, at: place) { return place }
      place += 1
    }
    return nil
  }

  func replacing(_ old: JinjaText, _ new: JinjaText, most: Int = .max) -> JinjaText {
    var result: [UInt32] = []
    var place = 0, done = 0
    if old.isEmpty {
      // Python puts the new text before each character and behind the last.
      while place < count, done < most {
        result += new.units
        result.append(units[place])
        (place, done) = (place + 1, done + 1)
      }
      result += units[place...]
      return JinjaText(units: done < most ? result + new.units : result)
    }
    while done < most, let found = find(old, from: place) {
      result += units[place..<found]
      result += new.units
      place = found + old.count
      done += 1
    }
    return JinjaText(units: result + units[place...])
  }

  /// - Parameter separator: nil for runs of white space.
  func split(_ separator: JinjaText?, most: Int = .max) -> [JinjaText] {
    var result: [JinjaText] = []
    guard let separator else {
      var place = 0
      while place < count {
        while place < count, Self.isSpace(scalar(place)) { place += 1 }
        guard place < count else { break }
        guard result.count < most else {
          result.append(JinjaText(units: Array(units[place...])))
          break
        }
        let start = place
        while place < count, !Self.isSpace(scalar(place)) { place += 1 }
        result.append(JinjaText(units: Array(units[start..<place])))
      }
      return result
    }
    var place = 0
    while result.count < most, let found = find(separator, from: place) {
      result.append(JinjaText(units: Array(units[place..<found])))
      place = found + separator.count
    }
    result.append(JinjaText(units: Array(units[place...])))
    return result
  }

  /// From the right, as often as `most` says.
  func splitFromRight(_ separator: JinjaText, most: Int) -> [JinjaText] {
    var result: [JinjaText] = []
    var end = count, place = count - separator.count
    while result.count < most, place >= 0 {
      if place + separator.count <= end, matches(separator, at: place) {
        result.insert(JinjaText(units: Array(units[(place + separator.count)..<end])), at: 0)
        end = place
        place -= separator.count
      } else {
        place -= 1
      }
    }
    result.insert(JinjaText(units: Array(units[..<end])), at: 0)
    return result
  }

  func lines() -> [JinjaText] {
    var result: [JinjaText] = []
    var start = 0, place = 0
    while place < count {
      let value = scalar(place)
      guard (0x0a...0x0d).contains(value) || (0x1c...0x1e).contains(value) || [0x85, 0x2028, 0x2029].contains(value) else {
        place += 1
        continue
      }
      result.append(JinjaText(units: Array(units[start..<place])))
      place += value == 0x0d && place + 1 < count && scalar(place + 1) == 0x0a ? 2 : 1
      start = place
    }
    if start < count { result.append(JinjaText(units: Array(units[start...]))) }
    return result
  }

  /// Each scalar by its mapping.
  func mapped(_ mapping: (Unicode.Scalar.Properties) -> String) -> JinjaText {
    var result: [UInt32] = []
    result.reserveCapacity(count)
    for unit in units {
      guard let scalar = Unicode.Scalar(unit & Self.mask) else { continue }
      for mapped in mapping(scalar.properties).unicodeScalars { result.append(mapped.value | unit & Self.untrusted) }
    }
    return JinjaText(units: result)
  }

  var uppercased: JinjaText { mapped(\.uppercaseMapping) }
  var lowercased: JinjaText { mapped(\.lowercaseMapping) }

  /// Jinja's `title`: capitals behind white space, hyphens and opening brackets.
  var wordsCapitalized: JinjaText {
    var result = JinjaText(), isFirst = true
    for index in units.indices {
      let one = JinjaText(units: [units[index]]), value = scalar(index)
      result.units += isFirst ? one.uppercased.units : one.lowercased.units
      isFirst = Self.isSpace(value) || [0x2d, 0x28, 0x7b, 0x5b, 0x3c].contains(value)
    }
    return result
  }

  /// Python's `title` and `capitalize`: each word, or the first one, with a capital.
  func titled(words: Bool) -> JinjaText {
    var result = JinjaText(), inWord = false
    for unit in units {
      let one = JinjaText(units: [unit])
      let isLetter = Unicode.Scalar(unit & Self.mask)?.properties.isAlphabetic == true
      result.units += (words ? inWord : !result.isEmpty) ? one.lowercased.units : one.mapped(\.titlecaseMapping).units
      inWord = isLetter
    }
    return result
  }
}
