import CentramNode
import Foundation
import Fuzzing

@testable import CentramWire

/// Changes messages as a hostile peer would: by fields and not only by bytes, with numbers, keys and hashes that it saw elsewhere.
struct FrameMutator {
  private enum Value {
    case number(UInt64), fixed(UInt64), bytes([UInt8])
  }
  private struct Field { var number: UInt64, value: Value }

  /// Byte strings that were seen, by length.
  private var words: [Int: [[UInt8]]] = [:]
  private static let wordsOfALength = 64

  /// Learns what a payload holds.
  mutating func learn(_ payload: [UInt8], depth: Int = 0) {
    for field in Self.fields(payload) ?? [] {
      guard case .bytes(let bytes) = field.value else { continue }
      if words[bytes.count, default: []].count < Self.wordsOfALength { words[bytes.count, default: []].append(bytes) }
      if depth < 2 { learn(bytes, depth: depth + 1) }
    }
  }

  /// A payload with one to four changes.
  func mutated(_ payload: [UInt8], _ random: inout FuzzGenerator) -> [UInt8] {
    var result = payload
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      result = Int.random(in: 0..<8, using: &random) == 0 ? Self.flipped(result, &random) : (changed(result, &random, depth: 0) ?? Self.flipped(result, &random))
    }
    return result
  }

  /// A frame whose signature holds over any payload.
  static func frame(_ type: MessageType, _ payload: [UInt8], by key: SigningKey, now: UInt64) -> Frame {
    var buffer = FrameBuffer(payload)
    let header = FrameHeader(
      flags: [], type: type.rawValue, sender: key.publicKey, recipient: .anyone, session: FrameHeader.noSession, sequence: now, unixMilliseconds: now, inReplyTo: 0,
      payloadLength: payload.count)
    return Frame(header: header, bytes: buffer.finish(header, key), isSigned: true)
  }

  private static func flipped(_ bytes: [UInt8], _ random: inout FuzzGenerator) -> [UInt8] {
    guard !bytes.isEmpty else { return [UInt8.random(in: 0...255, using: &random)] }
    var bytes = bytes
    let place = Int.random(in: bytes.indices, using: &random)
    switch Int.random(in: 0..<3, using: &random) {
    case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: bytes.removeSubrange(place...)
    default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
    }
    return bytes
  }

  private func changed(_ payload: [UInt8], _ random: inout FuzzGenerator, depth: Int) -> [UInt8]? {
    guard var fields = Self.fields(payload), !fields.isEmpty else { return nil }
    let place = Int.random(in: fields.indices, using: &random)
    switch Int.random(in: 0..<10, using: &random) {
    case 0: fields.remove(at: place)
    case 1: fields.append(fields[place])
    case 2: fields.swapAt(place, Int.random(in: fields.indices, using: &random))
    case 3: fields[place].number = UInt64.random(in: 1...15, using: &random)
    default: fields[place].value = changed(fields[place].value, &random, depth: depth)
    }
    return Self.encoded(fields)
  }

  private func changed(_ value: Value, _ random: inout FuzzGenerator, depth: Int) -> Value {
    switch value {
    case .number(let number):
      let near = [number &+ 1, number &- 1, 0, 1, 2, UInt64.random(in: 0...40, using: &random), 10_000, UInt64(UInt32.max), .max]
      return .number(near.randomElement(using: &random)!)
    case .fixed:
      return .fixed([0.0, 1, -1, 1e300, .nan, .infinity, -.infinity, .leastNonzeroMagnitude].randomElement(using: &random)!.bitPattern)
    case .bytes(let bytes):
      if depth < 3, Bool.random(using: &random), let inner = changed(bytes, &random, depth: depth + 1) { return .bytes(inner) }
      if Bool.random(using: &random), let word = words[bytes.count]?.randomElement(using: &random) { return .bytes(word) }
      return .bytes(Self.flipped(bytes, &random))
    }
  }

  // MARK: Protocol buffers

  private static func fields(_ payload: [UInt8]) -> [Field]? {
    var fields: [Field] = [], place = 0
    func varint() -> UInt64? {
      var value: UInt64 = 0, shift: UInt64 = 0
      while place < payload.count, shift < 64 {
        let byte = payload[place]
        place += 1
        value |= UInt64(byte & 0x7f) << shift
        if byte < 0x80 { return value }
        shift += 7
      }
      return nil
    }
    while place < payload.count {
      guard let tag = varint(), tag >> 3 > 0 else { return nil }
      switch tag & 7 {
      case 0:
        guard let number = varint() else { return nil }
        fields.append(Field(number: tag >> 3, value: .number(number)))
      case 1:
        guard place + 8 <= payload.count else { return nil }
        fields.append(Field(number: tag >> 3, value: .fixed((0..<8).reduce(0) { $0 | UInt64(payload[place + $1]) << UInt64(8 * $1) })))
        place += 8
      case 2:
        guard let count = varint(), count <= UInt64(payload.count - place) else { return nil }
        fields.append(Field(number: tag >> 3, value: .bytes(Array(payload[place..<place + Int(count)]))))
        place += Int(count)
      default: return nil
      }
    }
    return fields
  }

  private static func encoded(_ fields: [Field]) -> [UInt8] {
    var bytes: [UInt8] = []
    func put(_ number: UInt64) {
      var rest = number
      while rest >= 0x80 {
        bytes.append(UInt8(rest & 0x7f) | 0x80)
        rest >>= 7
      }
      bytes.append(UInt8(rest))
    }
    for field in fields {
      switch field.value {
      case .number(let number):
        put(field.number << 3)
        put(number)
      case .fixed(let bits):
        put(field.number << 3 | 1)
        for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * shift))) }
      case .bytes(let content):
        put(field.number << 3 | 2)
        put(UInt64(content.count))
        bytes += content
      }
    }
    return bytes
  }
}
