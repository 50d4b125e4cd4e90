import CentramWire
import Foundation
import Testing

/// Bytes that follow a frame.
@Suite struct BulkTests {
  static func chunk(_ length: Int, sequence: UInt64 = 1) throws -> Frame {
    var message = WireChunk()
    (message.genome, message.index, message.length) = (Data(repeating: 4, count: 32), 7, UInt32(length))
    return try message.frame(sequence: sequence)
  }

  private func frames(_ pieces: [ArraySlice<UInt8>], readsBulk: Bool = true) throws -> [Frame] {
    var decoder = FrameDecoder(readsBulk: readsBulk), found: [Frame] = []
    for piece in pieces {
      decoder.append(Array(piece))
      while let frame = try decoder.next() { found.append(frame) }
    }
    #expect(decoder.isEmpty)
    return found
  }

  @Test func theBytesAfterAChunkComeWithItInWhateverPieces() throws {
    let ping = try MessageType.ping.filled().frame(sequence: 2).bytes
    // What follows looks like a frame and is none.
    let chunk = try Self.chunk(ping.count), bytes = chunk.bytes + ping + (try MessageType.ping.filled().frame(sequence: 3).bytes)
    let whole = try frames([bytes[...]])
    #expect(whole.map(\.header.sequence) == [1, 3])
    #expect(whole[0].bytes == chunk.bytes && whole[0].bulk == Bulk(ping) && whole[0].countWithBulk == chunk.bytes.count + ping.count && whole[1].bulk == nil)
    for at in bytes.indices { #expect(try frames([bytes[..<at], bytes[at...]]) == whole, "split at \(at)") }
    #expect(try frames(bytes.indices.map { bytes[$0...$0] }) == whole)
  }

  @Test func whatIsKeptByItselfHasNoBytesAfterIt() throws {
    let chunk = try Self.chunk(1000)
    #expect(try Frame(chunk.bytes) == chunk)
    #expect(try frames([chunk.bytes[...]], readsBulk: false) == [chunk])
  }

  @Test func aChunkHasAByteAndAtMostAMebibyte() throws {
    for length in [1, 1 << 20] { #expect(try Self.chunk(length).message(WireChunk.self).length == UInt32(length)) }
    for length in [0, (1 << 20) + 1] { #expect { try Self.chunk(length) } throws: { ($0 as? WireError)?.code == .invalidField } }
    // Whoever says more gets none of it: the frame is given at once, and its message is refused.
    var message = WireChunk()
    (message.genome, message.length) = (Data(repeating: 4, count: 32), (1 << 20) + 1)
    let found = try frames([rawFrame(type: MessageType.chunk.rawValue, payload: try [UInt8](message.serializedData()))[...]])
    #expect(found.count == 1 && found[0].bulk == nil)
    #expect { try found[0].message(WireChunk.self) } throws: { ($0 as? WireError)?.code == .invalidField }
  }

  @Test func anAnnouncedLengthTakesNoMemoryAndWhatCameIsGivenBack() throws {
    var decoder = FrameDecoder(readsBulk: true)
    let head = try Self.chunk(1 << 20).bytes
    decoder.append(head)
    #expect(try decoder.next() == nil)
    #expect(decoder.capacity <= 2048 && !decoder.isEmpty)
    var arrived = head.count
    for _ in 0..<1 << 10 {
      decoder.append([UInt8](repeating: 9, count: 1 << 10))
      arrived += 1 << 10
      // Memory comes in pages, and what is doubled was rounded up before.
      #expect(decoder.capacity <= 2 * (arrived + 4096) + 2048)
      if let frame = try decoder.next() { #expect(frame.bulk?.count == 1 << 20 && arrived == head.count + 1 << 20) }
    }
    #expect(try decoder.next() == nil)
    #expect(decoder.capacity <= 2048 && decoder.isEmpty)
  }
}
