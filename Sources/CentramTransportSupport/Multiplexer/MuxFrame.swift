/// The frames of a multiplexed pipe: 12 bytes of header, then a payload. Integers are big-endian.
///
/// | bytes | field |
/// |---|---|
/// | 1 | type |
/// | 1 | flags: 1 opens the stream, 2 ends this direction; of data frames only |
/// | 2 | zero |
/// | 4 | stream; 0 is the connection. The dialler's are odd, the listener's even, both rising |
/// | 4 | payload length |
enum MuxFrame {
  static let headerSize = 12
  static let version: UInt8 = 1
  static let maximumReason = 256

  enum Kind: UInt8 {
    case data = 0
    /// 4 bytes: how many more bytes may come.
    case window
    /// 8 bytes: a code.
    case reset
    /// 8 bytes that the pong repeats.
    case ping, pong
    /// 8 bytes of code, then up to 256 of reason.
    case close
    /// Version (1), stream window (4), connection window (4), streams (4), payload limit (4). The first frame, once.
    case settings
  }

  static let opens: UInt8 = 1, ends: UInt8 = 2

  static func writeHeader(_ kind: Kind, flags: UInt8 = 0, stream: UInt32 = 0, length: Int, to buffer: UnsafeMutableRawBufferPointer) {
    buffer[0] = kind.rawValue
    buffer[1] = flags
    (buffer[2], buffer[3]) = (0, 0)
    buffer.storeBytes(of: stream.bigEndian, toByteOffset: 4, as: UInt32.self)
    buffer.storeBytes(of: UInt32(length).bigEndian, toByteOffset: 8, as: UInt32.self)
  }

  static func control(_ kind: Kind, stream: UInt32 = 0, _ payload: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: headerSize + payload.count) { buffer, count in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      writeHeader(kind, stream: stream, length: payload.count, to: raw)
      UnsafeMutableRawBufferPointer(rebasing: raw[headerSize..<(headerSize + payload.count)]).copyBytes(from: payload)
      count = headerSize + payload.count
    }
  }

  static func settings(_ settings: MultiplexerSettings) -> [UInt8] {
    let numbers = [settings.streamWindow, settings.connectionWindow, settings.maximumStreams, settings.maximumPayload]
    return control(.settings, [version] + numbers.flatMap { bytes(of: UInt32($0)) })
  }

  static func bytes<Number: FixedWidthInteger>(of number: Number) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { [UInt8]($0) } }

  static func number<Number: FixedWidthInteger>(_ bytes: some Collection<UInt8>, as: Number.Type = Number.self) -> Number {
    bytes.prefix(MemoryLayout<Number>.size).reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
  }
}

/// What a pipe's bytes say.
enum MuxEvent {
  case data(stream: UInt32, opens: Bool, length: Int)
  /// The next bytes of the data frame that was announced last.
  case bytes(UnsafeRawBufferPointer)
  /// The data frame is over; `ends`: and its direction.
  case dataEnd(ends: Bool)
  case window(stream: UInt32, UInt32)
  case reset(stream: UInt32, UInt64)
  case ping([UInt8])
  case pong
  case close(UInt64, String)
  case settings(streamWindow: Int, connectionWindow: Int, streams: Int, payload: Int)
}

/// Reads frames from pieces of any size. It keeps a header and a control frame's payload, at most 276 bytes, and checks each frame before it waits for
/// its payload.
struct MuxDecoder {
  private var pending: [UInt8] = []
  private var dataLeft = 0, dataEnds = false, inData = false, sawSettings = false
  private let maximumPayload: Int

  init(maximumPayload: Int) { self.maximumPayload = maximumPayload }

  /// - Parameter input: what was read is cut off its front.
  /// - Returns: nil when `input` is used up.
  mutating func next(_ input: inout UnsafeRawBufferPointer) throws(TransportSupportError) -> MuxEvent? {
    if inData {
      if dataLeft == 0 {
        inData = false
        return .dataEnd(ends: dataEnds)
      }
      guard input.count > 0 else { return nil }
      let piece = UnsafeRawBufferPointer(rebasing: input[..<min(dataLeft, input.count)])
      dataLeft -= piece.count
      input = UnsafeRawBufferPointer(rebasing: input[piece.count...])
      return .bytes(piece)
    }
    guard fill(to: MuxFrame.headerSize, &input) else { return nil }
    let flags = pending[1], stream: UInt32 = MuxFrame.number(pending[4..<8]), length = Int(MuxFrame.number(pending[8..<12], as: UInt32.self))
    guard let kind = MuxFrame.Kind(rawValue: pending[0]), pending[2] == 0, pending[3] == 0 else {
      throw TransportSupportError(.unknownFrame, "there is no frame that begins with the bytes \(pending[..<4].map(String.init).joined(separator: ", "))")
    }
    guard flags & ~(kind == .data ? MuxFrame.opens | MuxFrame.ends : 0) == 0 else { throw TransportSupportError(.unknownFrame, "a frame of type \(kind) has the flags \(flags)") }
    guard sawSettings || kind == .settings else { throw TransportSupportError(.badSettings, "the first frame is of type \(kind) and not the settings") }
    try check(kind, stream, length)
    if kind == .data {
      guard length > 0 || flags != 0 else { throw TransportSupportError(.badLength, "a data frame without data that neither opens nor ends its stream") }
      pending.removeAll(keepingCapacity: true)
      (inData, dataLeft, dataEnds) = (true, length, flags & MuxFrame.ends != 0)
      return .data(stream: stream, opens: flags & MuxFrame.opens != 0, length: length)
    }
    guard fill(to: MuxFrame.headerSize + length, &input) else { return nil }
    defer { pending.removeAll(keepingCapacity: true) }
    return try event(kind, stream, pending.dropFirst(MuxFrame.headerSize))
  }

  /// - Returns: whether `pending` holds `count` bytes now.
  private mutating func fill(to count: Int, _ input: inout UnsafeRawBufferPointer) -> Bool {
    guard pending.count < count else { return true }
    let piece = min(count - pending.count, input.count)
    pending.append(contentsOf: input[..<piece])
    input = UnsafeRawBufferPointer(rebasing: input[piece...])
    return pending.count == count
  }

  private func check(_ kind: MuxFrame.Kind, _ stream: UInt32, _ length: Int) throws(TransportSupportError) {
    let lengths: ClosedRange<Int> =
      switch kind {
      case .data: 0...maximumPayload
      case .window: 4...4
      case .reset, .ping, .pong: 8...8
      case .close: 8...(8 + MuxFrame.maximumReason)
      case .settings: 17...17
      }
    guard lengths.contains(length) else {
      throw TransportSupportError(.badLength, "a frame of type \(kind) with \(length) bytes; \(lengths.lowerBound) to \(lengths.upperBound) are allowed")
    }
    switch kind {
    case .data, .reset: guard stream != 0 else { throw TransportSupportError(.badStream, "a frame of type \(kind) for stream 0") }
    case .ping, .pong, .close, .settings: guard stream == 0 else { throw TransportSupportError(.badStream, "a frame of type \(kind) for stream \(stream)") }
    case .window: break
    }
  }

  private mutating func event(_ kind: MuxFrame.Kind, _ stream: UInt32, _ payload: ArraySlice<UInt8>) throws(TransportSupportError) -> MuxEvent {
    switch kind {
    case .window: return .window(stream: stream, MuxFrame.number(payload))
    case .reset: return .reset(stream: stream, MuxFrame.number(payload))
    case .ping: return .ping([UInt8](payload))
    case .pong: return .pong
    case .close: return .close(MuxFrame.number(payload), String(decoding: payload.dropFirst(8), as: UTF8.self))
    case .settings, .data:
      guard !sawSettings else { throw TransportSupportError(.badSettings, "settings came twice") }
      guard payload.first == MuxFrame.version else {
        throw TransportSupportError(.badSettings, "version \(payload.first ?? 0) of the multiplexer; this is version \(MuxFrame.version)")
      }
      let numbers = (0..<4).map { Int(MuxFrame.number(payload.dropFirst(1 + 4 * $0), as: UInt32.self)) }
      guard MultiplexerSettings.windowRange.contains(numbers[0]), MultiplexerSettings.windowRange.contains(numbers[1]), MultiplexerSettings.streamRange.contains(numbers[2]),
        MultiplexerSettings.payloadRange.contains(numbers[3])
      else { throw TransportSupportError(.badSettings, "settings out of range: \(numbers)") }
      sawSettings = true
      return .settings(streamWindow: numbers[0], connectionWindow: numbers[1], streams: numbers[2], payload: numbers[3])
    }
  }
}
