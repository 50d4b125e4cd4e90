public import SwiftProtobuf

/// A message that a frame carries.
public protocol WireMessage: SwiftProtobuf.Message, Sendable {
  static var messageType: MessageType { get }
}

/// What a type is about.
public enum MessageFamily: UInt8, CaseIterable, Sendable {
  case session, discovery, genome, lineage, training, hyperlink, economy, content
}

extension MessageType {
  public var family: MessageFamily { MessageFamily(rawValue: UInt8(rawValue >> 8))! }
  /// Place in the family, from 0.
  public var member: Int { Int(rawValue & 0xff) }
}

extension SwiftProtobuf.Message {
  /// Reads a message and checks the rules of its fields.
  /// - Throws: `malformedMessage`, `invalidField`.
  static func read(_ bytes: UnsafeRawBufferPointer, header: FrameHeader? = nil) throws(WireError) -> Self {
    if let refusal = FieldScan.refusal(of: bytes, as: ObjectIdentifier(Self.self)) { throw WireError(refusal.code, refusal.sentence, header: header) }
    do { return try Self(serializedBytes: BorrowedBytes(bytes: bytes)) } catch {
      throw WireError(.malformedMessage, "\(bytes.count) bytes are no \(Self.protoMessageName): \(error)", header: header)
    }
  }

  /// Encodes the message and checks the rules of its fields.
  /// - Throws: `malformedMessage`, `invalidField`.
  func written<Bytes: SwiftProtobufContiguousBytes>(_: Bytes.Type = Bytes.self) throws(WireError) -> Bytes {
    let bytes: Bytes
    do { bytes = try serializedBytes() } catch { throw WireError(.malformedMessage, "a \(Self.protoMessageName) cannot be encoded: \(error)") }
    let refusal = bytes.withUnsafeBytes { FieldScan.refusal(of: $0, as: ObjectIdentifier(Self.self)) }
    if let refusal { throw WireError(refusal.code, refusal.sentence) }
    return bytes
  }
}

/// Bytes that somebody else owns, for as long as they are read.
private struct BorrowedBytes: SwiftProtobufContiguousBytes {
  var bytes: UnsafeRawBufferPointer
  var count: Int { bytes.count }

  init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }
  init(repeating: UInt8, count: Int) { preconditionFailure("only to read from") }
  init<S: Sequence>(_ sequence: S) where S.Element == UInt8 { preconditionFailure("only to read from") }
  func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R { try body(bytes) }
  mutating func withUnsafeMutableBytes<R>(_ body: (UnsafeMutableRawBufferPointer) throws -> R) rethrows -> R { preconditionFailure("only to read from") }
}
