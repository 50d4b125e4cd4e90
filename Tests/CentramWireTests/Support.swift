import CSodium
import CentramWire
import SwiftProtobuf

let alice = try! SigningKey(seed: [UInt8](repeating: 1, count: 32))
let bob = try! SigningKey(seed: [UInt8](repeating: 2, count: 32))
let session = (1...16).map(UInt8.init)

func sha256(_ bytes: [UInt8]) -> String {
  var digest = [UInt8](repeating: 0, count: 32)
  crypto_hash_sha256(&digest, bytes, UInt64(bytes.count))
  return digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}

/// A signed frame of any type and payload, without the checks of `Frame.signed`.
func rawFrame(
  type: UInt16, payload: [UInt8], by key: SigningKey = alice, sequence: UInt64 = 1, version: UInt8 = 1, flags: UInt8 = 0, magic: [UInt8] = Array("CTRM".utf8),
  announced: UInt32? = nil
) -> [UInt8] {
  func big(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
  var bytes = magic + [version, flags]
  bytes += big(type) + key.publicKey.bytes + bob.publicKey.bytes + session
  bytes += big(sequence) + big(UInt64(1_700_000_000_000)) + big(UInt64(0)) + big(announced ?? UInt32(payload.count))
  bytes += payload
  return bytes + key.sign(bytes, domain: .frame)
}

extension MessageType {
  var schema: Schema.Message { Schema.framed.first { $0.number == rawValue }! }

  /// A message with every field filled.
  func filled(_ salt: Int = 0) throws -> any WireMessage { try message.init(serializedBytes: schema.filled(salt)) }

  /// A payload of exactly so many bytes: the filled message and a field that nobody knows.
  func payload(of size: Int) -> [UInt8] {
    let filled = schema.filled()
    let rest = size - filled.count
    let tag = Encoding.tag(1000, 2)
    for lengthBytes in 1...4 {
      let padding = rest - tag.count - lengthBytes
      if padding >= 0, Encoding.varint(UInt64(padding)).count == lengthBytes {
        return filled + tag + Encoding.varint(UInt64(padding)) + [UInt8](repeating: 7, count: padding)
      }
    }
    // One byte too few for this length's length: a shorter unknown number field takes one up.
    return filled + Encoding.tag(1001, 0) + [1] + payload(of: size - 3).dropFirst(filled.count)
  }
}

extension WireMessage {
  func frame(sequence: UInt64 = 1) throws(WireError) -> Frame {
    try Frame.signed(self, by: alice, to: bob.publicKey, session: session, sequence: sequence, unixMilliseconds: 1_700_000_000_000)
  }
}

/// What a decoder gave, one after the other.
enum Event: Equatable {
  case frame(Frame)
  case error(WireError)
}

/// Everything that a decoder gives from `pieces`, to its end or its first error that ends it.
func events(_ pieces: [ArraySlice<UInt8>], _ decoder: FrameDecoder = FrameDecoder()) -> [Event] {
  var decoder = decoder
  var events: [Event] = []
  for piece in pieces {
    piece.withUnsafeBytes { decoder.append($0) }
    while true {
      do {
        guard let frame = try decoder.next() else { break }
        events.append(.frame(frame))
      } catch {
        events.append(.error(error))
        if !error.keepsFraming { return events }
      }
    }
  }
  return events
}
