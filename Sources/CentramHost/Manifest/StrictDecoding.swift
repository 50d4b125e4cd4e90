internal import Foundation

/// A JSON key that is written as a literal.
public struct JSONKey: CodingKey, ExpressibleByStringLiteral, Hashable {
  public let stringValue: String
  public var intValue: Int? { nil }
  public init(stringLiteral value: String) { stringValue = value }
  public init?(stringValue: String) { self.stringValue = stringValue }
  public init?(intValue: Int) { nil }
}

extension Decoder {
  /// The fields of a JSON object that may hold these keys and no other.
  public func fields(_ known: JSONKey...) throws -> KeyedDecodingContainer<JSONKey> {
    let container = try container(keyedBy: JSONKey.self)
    let names = known.map(\.stringValue)
    if let unknown = container.allKeys.map(\.stringValue).sorted().first(where: { !names.contains($0) }) {
      let place = codingPath.isEmpty ? "" : " in \(codingPath.text)"
      let help = NearestName.suggestion(for: unknown, among: names).map { "nearest: \($0)" } ?? "known: \(names.joined(separator: ", "))"
      throw HostError(.manifest, "unknown key \"\(unknown.prefix(64))\"\(place); \(help)")
    }
    return container
  }
}

extension [any CodingKey] {
  var text: String { map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".").replacing(".[", with: "[") }
}

/// Reads JSON in which nothing is left to chance: bounded, no key twice, no unknown key.
public enum StrictDecoding {
  /// - Parameters:
  ///   - name: the file's, for errors.
  ///   - code: of the errors.
  public static func decode<Value: Decodable>(
    _ type: Value.Type, from bytes: [UInt8], name: String, code: HostError.Code = .init(.manifest)
  ) throws(HostError) -> Value {
    func refused(_ why: String) -> HostError { HostError(code, why.hasPrefix(name) ? why : "\(name): \(why)") }
    do {
      let value = try JSONDecoder().decode(type, from: Data(bytes))
      if let looseness = looseness(in: bytes) { throw refused(looseness) }
      return value
    } catch let error as HostError {
      throw refused(error.message)
    } catch let DecodingError.keyNotFound(key, context) {
      throw refused("\((context.codingPath + [key]).text) is missing")
    } catch let DecodingError.typeMismatch(_, context), let DecodingError.valueNotFound(_, context), let DecodingError.dataCorrupted(context) {
      throw refused(context.codingPath.isEmpty ? "not valid JSON: \(context.debugDescription)" : "\(context.codingPath.text): \(context.debugDescription)")
    } catch {
      throw refused("\(error)")
    }
  }

  /// What the decoder lets pass in bytes that it could read: a key twice, a comma at the end, another encoding than UTF-8.
  /// A key with an escape counts as repeated, for two spellings of one key would else pass.
  private static func looseness(in bytes: [UInt8]) -> String? {
    if bytes.contains(0) { return "not valid JSON: it is not UTF-8" }
    var objects: [Set<[UInt8]>] = [], text: [UInt8] = []
    var index = 0, last: UInt8 = 0
    while index < bytes.count {
      let byte = bytes[index]
      switch byte {
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if last == UInt8(ascii: ",") { return "not valid JSON: a comma stands before \(byte == UInt8(ascii: "}") ? "}" : "]")" }
        if byte == UInt8(ascii: "}") { _ = objects.popLast() }
      case UInt8(ascii: "{"): objects.append([])
      case UInt8(ascii: "\""):
        let start = index + 1
        index = start
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") { index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1 }
        text = Array(bytes[min(start, bytes.count)..<min(index, bytes.count)])
      case UInt8(ascii: ":"):
        let isNew = objects.indices.last.map { objects[$0].insert(text).inserted } ?? true
        if !isNew || text.contains(UInt8(ascii: "\\")) { return "key \"\(String(decoding: text, as: UTF8.self))\" stands twice in one object" }
      default: break
      }
      if byte > 32 { last = byte }
      index += 1
    }
    return nil
  }
}
