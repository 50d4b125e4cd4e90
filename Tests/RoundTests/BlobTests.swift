import CentramStore
import CentramWire
import Foundation
import Testing

@testable import CentramNode

/// Blobs by hash between two nodes.
@Suite struct BlobTests {
  static let chunk = BlobServer.chunkSize

  static func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var random = SeededRandom(seed)
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      for index in 0..<count { buffer[index] = index % 8 == 0 ? UInt8(truncatingIfNeeded: random.next()) : UInt8(truncatingIfNeeded: index >> 3) }
      initialized = count
    }
  }

  struct Pair: Sendable {
    let giver: ServiceWorld.Member, taker: ServiceWorld.Member, session: PeerSession, fetch: BlobFetch
    func put(_ bytes: [UInt8]) throws -> Data { Data(Hexadecimal.bytes(try giver.store.put(bytes, now: 1).hash.utf8)!) }
  }

  /// Two nodes with stores; what `allows` says, the second may have of the first.
  static func run(allows: @escaping @Sendable (Data, NodeKey) -> Bool = { _, _ in true }, _ body: @escaping @Sendable (Pair) async throws -> Void) throws {
    try ServiceWorld.run { world in
      let giver = try await world.member(0) { _, _ throws(RoundError) in throw RoundError(.notFound, "no rounds here") }
      BlobServer(store: giver.store) { blob, peer in allows(blob, peer) }.register(with: giver.node.handlers)
      let taker = try await world.member(1, dialling: [0]) { _, _ throws(RoundError) in throw RoundError(.notFound, "no rounds here") }
      await taker.node.wait { $0.contains { $0.state == .connected } }
      let session = try #require(await taker.node.session(with: giver.key.publicKey))
      try await body(Pair(giver: giver, taker: taker, session: session, fetch: BlobFetch(store: taker.store) { 1 }))
    }
  }

  @Test func blobsAroundTheSizeOfAChunkComeWhole() throws {
    try Self.run { pair in
      for size in [1, Self.chunk - 1, Self.chunk, Self.chunk + 1, 3 * Self.chunk + 5] {
        let bytes = Self.bytes(size), hash = try pair.put(bytes)
        let count = try await pair.fetch.fetch(hash, size: UInt64(size), maximum: 1 << 30, from: pair.session)
        let came = try pair.taker.store.read(Hexadecimal.text(hash))
        #expect(count == size && came == bytes, "\(size) bytes")
      }
    }
  }

  private static func code(_ body: () async throws(BlobError) -> Int) async -> BlobError.Code? {
    do throws(BlobError) {
      _ = try await body()
      return nil
    } catch { return error.code }
  }

  @Test func aBlobAtTheLimitComesAndOneByteMoreDoesNot() throws {
    try Self.run { pair in
      let hash = try pair.put(Self.bytes(1_000))
      let beyond = await Self.code { () throws(BlobError) in try await pair.fetch.fetch(hash, maximum: 999, from: pair.session) }
      let wrong = await Self.code { () throws(BlobError) in try await pair.fetch.fetch(hash, size: 1_001, maximum: 5_000, from: pair.session) }
      #expect(beyond == .size && wrong == .size)
      let isMissing = !pair.taker.store.hasBlob(Hexadecimal.text(hash))
      #expect(isMissing)
      let size = try await pair.fetch.fetch(hash, maximum: 1_000, from: pair.session)
      #expect(size == 1_000)
    }
  }

  @Test func whatIsNotThereOrNotForThePeerIsNotFound() throws {
    try Self.run(allows: { _, _ in false }) { pair in
      let hash = try pair.put(Self.bytes(100))
      for blob in [hash, Data(repeating: 4, count: 32)] {
        let code = await Self.code { () throws(BlobError) in try await pair.fetch.fetch(blob, maximum: 1 << 20, from: pair.session) }
        #expect(code == .notFound)
        // Asked without the query, too.
        var request = WireBlobRequest()
        (request.blob, request.length) = (blob, 100)
        let chunk: WireBlobChunk = try await pair.session.request(request)
        #expect(chunk.refusal == .notFound && chunk.data.isEmpty)
      }
    }
  }

  @Test func bytesThatAreNotTheBlobsAreRefusedAndLeaveNothing() throws {
    try Self.run { pair in
      for kind in 0..<5 {
        let bytes = Self.bytes(2 * Self.chunk + 9, seed: UInt64(kind + 10)), hash = Data(SHA256.hash(bytes))
        let list = Data(stride(from: 0, to: bytes.count, by: Self.chunk).flatMap { SHA256.hash(Array(bytes[$0..<min($0 + Self.chunk, bytes.count)])) })
        // A peer that lies in one thing.
        pair.giver.node.handlers.on(WireBlobQuery.self) { _, _ in
          var offer = WireBlobOffer(), info = WireBlobInfo()
          (info.blob, info.size, info.chunkSize, info.chunkList) = (hash, UInt64(bytes.count), UInt32(Self.chunk), Data(SHA256.hash(Array(list))))
          if kind == 3 { info.chunkList = Data() }
          if kind == 4 { info.chunkSize = UInt32(Self.chunk) - 1 }
          offer.blobs = [info]
          return offer
        }
        pair.giver.node.handlers.on(WireBlobRequest.self) { request, _ in
          var chunk = WireBlobChunk()
          (chunk.blob, chunk.offset) = (request.blob, request.offset)
          if request.blob != hash {
            chunk.data = kind == 0 ? Data(list.reversed()) : list
          } else {
            var part = Array(bytes[Int(request.offset)..<min(Int(request.offset) + Self.chunk, bytes.count)])
            if kind == 1, request.offset > 0 { part[0] ^= 1 }
            if kind == 2 { part.removeLast() }
            chunk.data = Data(part)
          }
          return chunk
        }
        let code = await Self.code { () throws(BlobError) in try await pair.fetch.fetch(hash, maximum: 1 << 30, from: pair.session) }
        let isThere = pair.taker.store.hasBlob(Hexadecimal.text(hash))
        #expect(code == .damaged && !isThere, "kind \(kind)")
      }
    }
  }

  @Test func rangesThatBeginNoChunkAreRefused() throws {
    try Self.run { pair in
      let hash = try pair.put(Self.bytes(Self.chunk + 10))
      for (offset, length) in [(1, 10), (Self.chunk - 1, 1), (2 * Self.chunk, 1), (0, 0), (Int(Int64.max), 1)] {
        var request = WireBlobRequest()
        (request.blob, request.offset, request.length) = (hash, UInt64(offset), UInt64(length))
        let chunk: WireBlobChunk = try await pair.session.request(request)
        #expect(chunk.refusal == .badRange && chunk.data.isEmpty, "\(offset)")
      }
      var request = WireBlobRequest()
      (request.blob, request.length) = (hash, 1 << 30)
      let chunk: WireBlobChunk = try await pair.session.request(request)
      // However much is asked for, an answer holds one chunk.
      #expect(chunk.data.count == Self.chunk && !chunk.last)
    }
  }
}
