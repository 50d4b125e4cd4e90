/// A header, a payload and a signature that holds.
public struct Frame: Sendable, Hashable {
  public let header: FrameHeader
  /// The whole frame exactly as sent, which is what the signature covers.
  public let bytes: [UInt8]
  /// False only for a frame of a stream on which both ends agreed to leave signatures out.
  public let isSigned: Bool
  /// Bytes that followed the frame on its stream, as many as its message says. The signature does not cover them: a hash that was signed does.
  public internal(set) var bulk: Bulk?

  init(header: FrameHeader, bytes: [UInt8], isSigned: Bool) { (self.header, self.bytes, self.isSigned) = (header, bytes, isSigned) }

  /// Bytes that came for it.
  public var countWithBulk: Int { bytes.count + (bulk?.count ?? 0) }

  /// Reads one whole frame, such as one that was kept as evidence.
  /// - Throws: `wrongLength` where the bytes are not one frame, and what `FrameDecoder` throws.
  public init(_ bytes: [UInt8]) throws(WireError) {
    var decoder = FrameDecoder()
    bytes.withUnsafeBytes { decoder.append($0) }
    guard let frame = try decoder.next() else { throw WireError(.wrongLength, "a frame goes on after these \(bytes.count) bytes") }
    guard decoder.isEmpty else { throw WireError(.wrongLength, "\(bytes.count - frame.bytes.count) bytes stand after the frame", header: frame.header) }
    self = frame
  }

  /// The known type. A decoder gives no frame of an unknown one.
  public var type: MessageType { header.messageType! }
  public var payload: [UInt8] { Array(bytes[payloadRange]) }
  /// Where the payload stands in `bytes`.
  public var payloadRange: Range<Int> { FrameHeader.byteCount..<FrameHeader.byteCount + header.payloadLength }

  /// The message in the payload, every field in its rule. Fields that are not known are kept.
  /// - Throws: `wrongType`, `malformedMessage`, `invalidField`.
  public func message<M: WireMessage>(_: M.Type = M.self) throws(WireError) -> M {
    guard header.type == M.messageType.rawValue else { throw WireError(.wrongType, "a \(type) is no \(M.messageType)", header: header) }
    let result: Result<M, WireError> = bytes.withUnsafeBytes { bytes in
      do throws(WireError) { return .success(try M.read(UnsafeRawBufferPointer(rebasing: bytes[payloadRange]), header: header)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// The message in the payload as what its type says.
  public func anyMessage() throws(WireError) -> any WireMessage { try type.message.read(from: self) }
}

extension Frame {
  /// How many bytes follow it on its stream; 0 where the message cannot be read.
  var bulkLength: Int { type == .chunk ? Int((try? message(WireChunk.self))?.length ?? 0) : 0 }
}

extension WireMessage {
  fileprivate static func read(from frame: Frame) throws(WireError) -> any WireMessage { try frame.message(Self.self) }
}
