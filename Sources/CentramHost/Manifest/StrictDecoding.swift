internal import Foundation

/// A JSON key that is written as a literal.
struct JSONKey: CodingKey, ExpressibleByStringLiteral, Hashable {
  let stringValue: String
  var intValue: Int? { nil }
  init(stringLiteral value: String) { stringValue = value }
  init?(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

extension Decoder {
  /// The fields of a JSON object that may hold these keys and no other.
  func fields(_ known: JSONKey...) throws -> KeyedDecodingContainer<JSONKey> {
    let container = try container(keyedBy: JSONKey.self)
    let names = known.map(\.stringValue)
    if let unknown = container.allKeys.map(\.stringValue).sorted().first(where: { !names.contains($0) }) {
      let place = codingPath.isEmpty ? "" : " in \(codingPath.text)"
      let help = NearestName.suggestion(for: unknown, among: names).map { "nearest: \($0)" } ?? "known: \(names.joined(separator: ", "))"
      throw HostError(.init(.manifest), "unknown key \"\(unknown.prefix(64))\"\(place); \(help)")
    }
    return container
  }
}

extension [any CodingKey] {
  var text: String { map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".").replacing(".[", with: "[") }
}

/// Reads JSON in which nothing is left to chance: bounded, no key twice, no unknown key.
enum StrictDecoding {
  static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8], name: String) throws(HostError) -> Value {
    func refused(_ why: String) -> HostError { HostError(.init(.manifest), "\(name): \(why)") }
    do {
      let value = try JSONDecoder().decode(type, from: Data(bytes))
      if let key = repeatedKey(in: bytes) { throw refused("key \"\(key)\" stands twice in one object") }
      return value
    } catch let error as HostError {
      throw error.message.hasPrefix(name) ? error : refused(error.message)
    } catch let DecodingError.keyNotFound(key, context) {
      throw refused("\((context.codingPath + [key]).text) is missing")
    } catch let DecodingError.typeMismatch(_, context), let DecodingError.valueNotFound(_, context), let DecodingError.dataCorrupted(context) {
      throw refused(context.codingPath.isEmpty ? "not valid JSON: \(context.debugDescription)" : "\(context.codingPath.text): \(context.debugDescription)")
    } catch {
      throw refused("\(error)")
    }
  }

  /// The first key that an object has twice. The bytes are known to be valid JSON. A key with an escape counts as
  /// repeated: two spellings of one key would else pass.
  private static func repeatedKey(in bytes: [UInt8]) -> String? {
    var objects: [Set<[UInt8]>] = []
    var index = 0, text: [UInt8] = []
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "{"): objects.append([])
      case UInt8(ascii: "}"): _ = objects.popLast()
      case UInt8(ascii: "\""):
        let start = index + 1
        index = start
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") { index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1 }
        text = Array(bytes[min(start, bytes.count)..<min(index, bytes.count)])
      case UInt8(ascii: ":"):
        let isNew = objects.indices.last.map { objects[$0].insert(text).inserted } ?? true
        if !isNew || text.contains(UInt8(ascii: "\\")) { return String(decoding: text, as: UTF8.self) }
      default: break
      }
      index += 1
    }
    return nil
  }
}
