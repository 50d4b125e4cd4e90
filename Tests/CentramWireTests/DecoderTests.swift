import CentramWire
import Testing

@Suite struct DecoderTests {
  /// Good frames with each kind of refusal after which a decoder goes on.
  static func stream() throws -> [UInt8] {
    let ping = try MessageType.ping.filled(1).frame(sequence: 1).bytes
    var forged = try MessageType.findNode.filled(2).frame(sequence: 2).bytes
    forged[forged.count - 70] ^= 1
    let unknown = rawFrame(type: 0x7f01, payload: [UInt8](repeating: 9, count: 50), sequence: 3)
    return ping + forged + unknown + (try MessageType.goodbye.filled(4).frame(sequence: 4).bytes) + rawFrame(type: 0x0007, payload: [255], sequence: 5)
  }

  @Test func aStreamGivesTheSameWholeSplitAtEachByteAndByteByByte() throws {
    let bytes = try Self.stream()
    let whole = events([bytes[...]])
    #expect(
      whole.map { event in
        switch event {
        case .frame(let frame): "\(frame.header.sequence)"
        case .error(let error): "\(error.code)"
        }
      } == ["1", "bad-signature", "unknown-type", "4", "5"])
    for at in bytes.indices { #expect(events([bytes[..<at], bytes[at...]]) == whole, "split at \(at)") }
    #expect(events(bytes.indices.map { bytes[$0...$0] }) == whole)
  }

  @Test(
    arguments: [
      ("magic", Array("XTRM".utf8), 1, 0, 0, "bad-magic"), ("version", Array("CTRM".utf8), 2, 0, 0, "unsupported-version"),
      ("version 0", Array("CTRM".utf8), 0, 0, 0, "unsupported-version"), ("flags", Array("CTRM".utf8), 1, 2, 0, "bad-flags"),
      ("length", Array("CTRM".utf8), 1, 0, UInt32.max, "payload-too-long"), ("length of a ping", Array("CTRM".utf8), 1, 0, 2049, "payload-too-long"),
    ] as [(String, [UInt8], UInt8, UInt8, UInt32, String)])
  func aBreachOfTheHeaderEndsTheStreamInWhateverPiecesItComes(name: String, magic: [UInt8], version: UInt8, flags: UInt8, length: UInt32, code: String) throws {
    let good = try MessageType.ping.filled().frame().bytes
    let bytes = good + rawFrame(type: 0x0007, payload: [], version: version, flags: flags, magic: magic, announced: length) + good
    let whole = events([bytes[...]])
    guard case .error(let error)? = whole.last else { return #expect(Bool(false), "no error") }
    #expect(whole.count == 2 && error.code.rawValue == code && !error.keepsFraming)
    for at in bytes.indices { #expect(events([bytes[..<at], bytes[at...]]) == whole, "split at \(at)") }
    #expect(events(bytes.indices.map { bytes[$0...$0] }) == whole)
    // It stays refused, and nothing more is kept.
    var decoder = FrameDecoder()
    decoder.append(bytes)
    _ = try decoder.next()
    for _ in 0..<3 {
      #expect(throws: error) { try decoder.next() }
      decoder.append(good)
    }
    #expect(decoder.count == 0 && decoder.capacity <= 2048)
  }

  @Test func anUnknownTypeIsPassedOverWithoutBeingKept() throws {
    let size = FrameHeader.maximumPayload
    let header = Array(rawFrame(type: 0xff00, payload: [], announced: UInt32(size)).prefix(116))
    var decoder = FrameDecoder()
    decoder.append(header)
    #expect { try decoder.next() } throws: { ($0 as? WireError)?.code == .unknownType && ($0 as? WireError)?.header?.type == 0xff00 }
    let piece = [UInt8](repeating: 5, count: 65536)
    for _ in 0..<size / piece.count {
      decoder.append(piece)
      #expect(try decoder.next() == nil)
    }
    #expect(decoder.capacity <= 2048 && !decoder.isEmpty)
    let good = try MessageType.ping.filled().frame()
    decoder.append([UInt8](repeating: 5, count: 64) + good.bytes)
    #expect(try decoder.next() == good)
    #expect(decoder.isEmpty)
    decoder.append(Array(rawFrame(type: 0xff00, payload: [], announced: UInt32(size + 1)).prefix(116)))
    #expect { try decoder.next() } throws: { ($0 as? WireError)?.code == .payloadTooLong }
  }

  @Test func anAnnouncedLengthTakesNoMemory() throws {
    for type in MessageType.allCases {
      var decoder = FrameDecoder()
      decoder.append(Array(rawFrame(type: type.rawValue, payload: [], announced: UInt32(type.maximumPayload)).prefix(116)))
      #expect(try decoder.next() == nil)
      #expect(decoder.capacity <= 2048)
    }
  }

  @Test func whatADecoderHoldsIsAtMostTwiceWhatArrived() throws {
    let frame = rawFrame(type: MessageType.blobChunk.rawValue, payload: MessageType.blobChunk.payload(of: MessageType.blobChunk.maximumPayload))
    var decoder = FrameDecoder()
    var arrived = 0
    for at in stride(from: 0, to: frame.count, by: 1000) {
      let piece = Array(frame[at..<min(at + 1000, frame.count)])
      decoder.append(piece)
      arrived += piece.count
      #expect(decoder.capacity <= 2 * arrived + 2048)
      let given = try decoder.next()
      #expect((given != nil) == (arrived == frame.count))
    }
    #expect(try decoder.next() == nil)
    #expect(decoder.capacity <= 2048, "given back once nothing waits")
  }

  /// Two bytes of payload that would become an item of a hundred in memory: the count is refused before anything is made of it.
  @Test func listsAreCountedBeforeTheyAreDecoded() throws {
    for (type, number) in [(MessageType.lineageReply, 2), (.fitnessReport, 1), (.ledgerRange, 4), (.modelManifest, 1), (.activations, 10)] {
      let item = Encoding.tag(number, type == .activations ? 0 : 2) + [0]
      let payload = [UInt8]([[UInt8]](repeating: item, count: 10_000).joined())
      let frame = try Frame(rawFrame(type: type.rawValue, payload: payload))
      #expect { try frame.anyMessage() } throws: { ($0 as? WireError)?.code == .invalidField }
    }
  }

  @Test func wrongEncodingsAreRefused() throws {
    let ping = MessageType.ping.schema.filled()
    for (_, payload) in [
      ("the same field twice", ping + Encoding.tag(1, 0) + [1]), ("a group", ping + Encoding.tag(1000, 3) + Encoding.tag(1000, 4)), ("field 0", ping + [0, 0]),
      ("a cut number", ping + Encoding.tag(1000, 0) + [0x80]), ("a number without end", ping + Encoding.tag(1000, 0) + [UInt8](repeating: 0x80, count: 11)),
      ("a cut length", ping + Encoding.tag(1000, 2) + [5, 1]), ("a giant length", ping + Encoding.tag(1000, 2) + [UInt8](repeating: 0xff, count: 9) + [1]),
      ("a cut fixed field", ping + Encoding.tag(1000, 1) + [1]), ("an unknown kind of field", ping + Encoding.tag(1000, 7) + [1]),
    ] {
      let frame = try Frame(rawFrame(type: MessageType.ping.rawValue, payload: payload))
      #expect { try frame.anyMessage() } throws: { ($0 as? WireError)?.code == .malformedMessage }
    }
    let text = try Frame(rawFrame(type: MessageType.goodbye.rawValue, payload: Encoding.bytes(2, [0xff, 0xfe])))
    #expect { try text.anyMessage() } throws: { ($0 as? WireError)?.code == .malformedMessage }
  }
}
