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
    let message: Self
    do { message = try Self(serializedBytes: BorrowedBytes(bytes: bytes)) } catch {
      throw WireError(.malformedMessage, "\(bytes.count) bytes are no \(Self.protoMessageName): \(error)", header: header)
    }
    if let breach = FieldRules.breach(in: message) { throw WireError(.invalidField, breach, header: header) }
    return message
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
