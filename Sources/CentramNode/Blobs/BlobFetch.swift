public import CentramStore
internal import CentramWire
public import Foundation

/// Fetches blobs by their hash into the store, chunk by chunk, each checked before it is written.
public struct BlobFetch: Sendable {
  private let store: GenomeStore
  /// Unix milliseconds.
  private let now: @Sendable () -> Int64

  public init(store: GenomeStore, now: @escaping @Sendable () -> Int64) { (self.store, self.now) = (store, now) }

  /// - Parameters:
  ///   - size: what it must have; nil: anything up to `maximum`.
  ///   - maximum: bytes.
  /// - Returns: its size.
  public func fetch(_ blob: Data, size expected: UInt64? = nil, maximum: UInt64, from session: PeerSession) async throws(BlobError) -> Int {
    let name = Hexadecimal.text(blob)
    if store.hasBlob(name) {
      var status = stat()
      guard stat(store.path(ofBlob: name), &status) == 0 else { throw BlobError(.storage, "\(name): the blob cannot be read") }
      return Int(status.st_size)
    }
    let info = try await info(blob, session)
    guard info.size > 0, info.size <= min(maximum, UInt64(BlobServer.maximumSize)), expected == nil || expected == info.size else {
      throw BlobError(.size, "\(name): \(info.size) bytes are offered, \(expected ?? maximum) \(expected == nil ? "at most were asked for" : "were said")")
    }
    guard info.chunkSize > 0, info.chunkSize <= UInt32(BlobServer.maximumChunk), info.chunkSize.nonzeroBitCount == 1 else {
      throw BlobError(.damaged, "\(name): chunks of \(info.chunkSize) bytes; a power of two up to \(BlobServer.maximumChunk) is possible")
    }
    let chunk = Int(info.chunkSize), size = Int(info.size), count = (size + chunk - 1) / chunk
    let hashes = count == 1 ? [blob] : try await list(info, count, session)
    let writer: BlobWriter
    do throws(StoreError) { writer = try store.newBlob(size: size) } catch { throw BlobError(.storage, error.message) }
    for (index, hash) in hashes.enumerated() {
      let bytes = try await self.chunk(blob, at: index * chunk, min(chunk, size - index * chunk), hash, session)
      let written: Result<Void, StoreError> = bytes.withUnsafeBytes { buffer in
        do throws(StoreError) { return .success(try writer.write(buffer)) } catch { return .failure(error) }
      }
      if case .failure(let error) = written { throw BlobError(.storage, error.message) }
    }
    do throws(StoreError) { _ = try store.keep(writer, expecting: name, now: now()) } catch {
      throw BlobError(error.code == .damaged ? .damaged : .storage, "\(name): \(error.message)")
    }
    return size
  }

  private func info(_ blob: Data, _ session: PeerSession) async throws(BlobError) -> WireBlobInfo {
    var query = WireBlobQuery()
    query.blobs = [blob]
    let offer: WireBlobOffer = try await ask(query, session)
    guard let info = offer.blobs.first(where: { $0.blob == blob }) else { throw BlobError(.notFound, "\(Hexadecimal.text(blob)): the peer does not have it") }
    return info
  }

  private func list(_ info: WireBlobInfo, _ count: Int, _ session: PeerSession) async throws(BlobError) -> [Data] {
    guard info.chunkList.count == 32, count <= BlobServer.maximumChunk / 32 else { throw BlobError(.damaged, "\(count) chunks without a list that names them") }
    let bytes = try await chunk(info.chunkList, at: 0, count * 32, info.chunkList, session)
    return (0..<count).map { Data(bytes[$0 * 32..<$0 * 32 + 32]) }
  }

  /// - Returns: bytes of this hash.
  private func chunk(_ blob: Data, at offset: Int, _ count: Int, _ hash: Data, _ session: PeerSession) async throws(BlobError) -> [UInt8] {
    var request = WireBlobRequest()
    (request.blob, request.offset, request.length) = (blob, UInt64(offset), UInt64(count))
    let chunk: WireBlobChunk = try await ask(request, session)
    guard chunk.refusal == .unspecified else { throw BlobError(.notFound, "\(Hexadecimal.text(blob)): the peer gives no byte \(offset): \(chunk.message.prefix(200))") }
    let bytes = [UInt8](chunk.data)
    guard chunk.blob == blob, chunk.offset == UInt64(offset), bytes.count == count, Data(SHA256.hash(bytes)) == hash else {
      throw BlobError(.damaged, "\(Hexadecimal.text(blob)): the \(bytes.count) bytes from \(offset) on are not those of the blob")
    }
    return bytes
  }

  private func ask<Answer: WireMessage>(_ message: some WireMessage, _ session: PeerSession) async throws(BlobError) -> Answer {
    do throws(SessionError) { return try await session.request(message) } catch { throw BlobError(.peer, error.message) }
  }
}
