/// Reads an object's members by type and limit, with errors that name the key's place. Unknown keys are refused when it is made.
struct ObjectReader {
  let place: String
  private let members: [String: JSONValue]

  /// - Parameters:
  ///   - place: `manifest`, `manifest.files[2]`.
  ///   - keys: all that may be there.
  init(_ value: JSONValue, place: String, keys: [String]) throws(GenomeError) {
    guard case .object(let list) = value else { throw GenomeError(.wrongType, "\(place) is \(value.typeName), not an object") }
    for member in list where !keys.contains(member.key) {
      let hint = NearestName.suggestion(for: member.key, among: keys).map { "nearest: \($0)" } ?? "known are \(keys.joined(separator: ", "))"
      throw GenomeError(.unknownKey, "\(place) has an unknown key \"\(GenomeError.shown(member.key))\"; \(hint)")
    }
    self.place = place
    members = Dictionary(uniqueKeysWithValues: list.map { ($0.key, $0.value) })
  }

  func optional(_ key: String) -> JSONValue? { members[key] }

  func required(_ key: String) throws(GenomeError) -> JSONValue {
    guard let value = members[key] else { throw GenomeError(.missingKey, "\(place).\(key) is missing") }
    return value
  }

  private func wrongType(_ key: String, _ value: JSONValue, _ wanted: String) -> GenomeError {
    GenomeError(.wrongType, "\(place).\(key) is \(value.typeName), not \(wanted)")
  }

  /// - Parameter bytes: how many of UTF-8.
  func text(_ key: String, bytes: ClosedRange<Int>) throws(GenomeError) -> String {
    let value = try required(key)
    guard case .string(let text) = value else { throw wrongType(key, value, "a text") }
    guard bytes.contains(text.utf8.count) else {
      throw GenomeError(.outOfRange, "\(place).\(key) has \(text.utf8.count) bytes; from \(bytes.lowerBound) to \(bytes.upperBound) are allowed")
    }
    guard text.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 }) else {
      throw GenomeError(.outOfRange, "\(place).\(key) holds a control character")
    }
    return text
  }

  /// 64 hexadecimal digits in lower case.
  func digest(_ key: String) throws(GenomeError) -> String {
    let value = try required(key)
    guard case .string(let text) = value else { throw wrongType(key, value, "a text") }
    guard Hexadecimal.isDigest(text) else {
      throw GenomeError(.outOfRange, "\(place).\(key) is \"\(GenomeError.shown(text))\"; it must be 64 hexadecimal digits in lower case")
    }
    return text
  }

  func integer(_ key: String, _ range: ClosedRange<Int64>) throws(GenomeError) -> Int64 {
    let value = try required(key)
    guard case .number(let spelling) = value else { throw wrongType(key, value, "a whole number") }
    guard let number = Int64(spelling) else {
      throw GenomeError(.outOfRange, "\(place).\(key) is \(GenomeError.shown(spelling)), not a whole number below 2⁶³")
    }
    guard range.contains(number) else { throw GenomeError(.outOfRange, "\(place).\(key) is \(number); from \(range.lowerBound) to \(range.upperBound) is allowed") }
    return number
  }

  func real(_ key: String, _ range: ClosedRange<Double> = -.greatestFiniteMagnitude ... .greatestFiniteMagnitude) throws(GenomeError) -> Double {
    try Self.real(try required(key), "\(place).\(key)", range)
  }

  static func real(_ value: JSONValue, _ place: String, _ range: ClosedRange<Double> = -.greatestFiniteMagnitude ... .greatestFiniteMagnitude) throws(GenomeError) -> Double {
    guard case .number(let spelling) = value else { throw GenomeError(.wrongType, "\(place) is \(value.typeName), not a number") }
    guard let number = Double(spelling), number.isFinite else { throw GenomeError(.outOfRange, "\(place) is \(GenomeError.shown(spelling)), too large for a number") }
    guard range.contains(number) else { throw GenomeError(.outOfRange, "\(place) is \(number); from \(range.lowerBound) to \(range.upperBound) is allowed") }
    return number
  }

  func list(_ key: String, items: ClosedRange<Int>) throws(GenomeError) -> [JSONValue] {
    let value = try required(key)
    guard case .array(let list) = value else { throw wrongType(key, value, "a list") }
    guard items.contains(list.count) else {
      throw GenomeError(.outOfRange, "\(place).\(key) has \(list.count) items; from \(items.lowerBound) to \(items.upperBound) are allowed")
    }
    return list
  }

  /// An object whose keys are free.
  func table(_ key: String, items: ClosedRange<Int>, keyBytes: ClosedRange<Int>) throws(GenomeError) -> [JSONValue.Member] {
    let value = try required(key)
    guard case .object(let list) = value else { throw wrongType(key, value, "an object") }
    guard items.contains(list.count) else {
      throw GenomeError(.outOfRange, "\(place).\(key) has \(list.count) entries; from \(items.lowerBound) to \(items.upperBound) are allowed")
    }
    for member in list where !keyBytes.contains(member.key.utf8.count) {
      throw GenomeError(
        .outOfRange, "\(place).\(key) has a name of \(member.key.utf8.count) bytes; from \(keyBytes.lowerBound) to \(keyBytes.upperBound) are allowed")
    }
    return list
  }
}
