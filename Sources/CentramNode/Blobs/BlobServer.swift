public import CentramStore
public import CentramWire
public import Foundation
internal import Synchronization

/// Gives peers blobs of the store by their hash, a chunk a request.
public final class BlobServer: Sendable {
  /// Bytes of every chunk but the last, as of a genome's files.
  public static let chunkSize = 256 << 10
  /// Most bytes of a chunk that the protocol has; a chunk list is one.
  static let maximumChunk = 1 << 20
  /// Largest blob that is given.
  public static let maximumSize = maximumChunk / 32 * chunkSize
  /// Chunk lists that are kept in memory.
  static let keptLists = 256

  private let store: GenomeStore
  private let allows: @Sendable (Data, NodeKey) async -> Bool
  /// By the blob's hash, their own hashes, and the blobs in the order of the lists' making.
  private let lists = Mutex<(all: [Data: [UInt8]], named: [Data: Data], order: [Data])>(([:], [:], []))

  /// - Parameter allows: whether a peer may have a blob, by its SHA-256. What nobody may have is not there.
  public init(store: GenomeStore, allows: @escaping @Sendable (_ blob: Data, _ peer: NodeKey) async -> Bool) { (self.store, self.allows) = (store, allows) }

  public func register(with handlers: HandlerRegistry) {
    handlers.on(WireBlobQuery.self) { [self] message, incoming in await answer(message, incoming.peer) }
    handlers.on(WireBlobRequest.self) { [self] message, incoming in message.cancel ? nil : await answer(message, incoming.peer) }
  }

  func answer(_ query: WireBlobQuery, _ peer: NodeKey) async -> WireBlobOffer {
    var offer = WireBlobOffer()
    for blob in query.blobs {
      guard let size = await size(blob, peer), let list = list(blob, size) else {
        offer.missing.append(blob)
        continue
      }
      var info = WireBlobInfo()
      (info.blob, info.size, info.chunkSize) = (blob, UInt64(size), UInt32(Self.chunkSize))
      if !list.isEmpty { info.chunkList = Data(SHA256.hash(list)) }
      offer.blobs.append(info)
    }
    return offer
  }

  func answer(_ request: WireBlobRequest, _ peer: NodeKey) async -> WireBlobChunk {
    var chunk = WireBlobChunk()
    (chunk.blob, chunk.offset, chunk.last) = (request.blob, request.offset, true)
    func refuse(_ reason: WireBlobRefusal, _ sentence: String) -> WireBlobChunk {
      (chunk.refusal, chunk.message) = (reason, sentence)
      return chunk
    }
    if let list = listNamed(request.blob) {
      guard request.offset == 0 else { return refuse(.badRange, "the chunk list has \(list.count) bytes, which is one chunk") }
      chunk.data = Data(list)
      return chunk
    }
    guard let size = await size(request.blob, peer) else { return refuse(.notFound, "the blob is not here") }
    guard request.offset % UInt64(Self.chunkSize) == 0, request.offset < UInt64(size), request.length > 0 else {
      return refuse(.badRange, "byte \(request.offset) begins no chunk of the blob's \(size) bytes")
    }
    let count = min(Self.chunkSize, size - Int(request.offset))
    guard let bytes = Self.read(store.path(ofBlob: Hexadecimal.text(request.blob)), at: Int(request.offset), count) else { return refuse(.notFound, "the blob cannot be read") }
    chunk.data = bytes
    // One chunk a request: the rest is asked for again.
    chunk.last = request.offset + UInt64(count) == UInt64(size) || request.length <= UInt64(count)
    return chunk
  }

  private func size(_ blob: Data, _ peer: NodeKey) async -> Int? {
    let name = Hexadecimal.text(blob)
    guard store.hasBlob(name), await allows(blob, peer) else { return nil }
    var status = stat()
    guard stat(store.path(ofBlob: name), &status) == 0, status.st_size > 0, Int(status.st_size) <= Self.maximumSize else { return nil }
    return Int(status.st_size)
  }

  // MARK: Chunk lists

  private func listNamed(_ hash: Data) -> [UInt8]? { lists.withLock { lists in lists.named[hash].flatMap { lists.all[$0] } } }

  /// The chunks' hashes one after the other; empty for a blob of one chunk, nil where it cannot be read.
  private func list(_ blob: Data, _ size: Int) -> [UInt8]? {
    guard size > Self.chunkSize else { return [] }
    if let known = lists.withLock({ $0.all[blob] }) { return known }
    var list: [UInt8] = []
    for offset in stride(from: 0, to: size, by: Self.chunkSize) {
      guard let bytes = Self.read(store.path(ofBlob: Hexadecimal.text(blob)), at: offset, min(Self.chunkSize, size - offset)) else { return nil }
      list += SHA256.hash([UInt8](bytes))
    }
    let made = list, name = Data(SHA256.hash(list))
    lists.withLock { lists in
      if lists.all.updateValue(made, forKey: blob) == nil { lists.order.append(blob) }
      lists.named[name] = blob
      guard lists.order.count > Self.keptLists else { return }
      let oldest = lists.order.removeFirst()
      lists.all[oldest] = nil
      lists.named = lists.named.filter { $0.value != oldest }
    }
    return list
  }

  private static func read(_ path: String, at offset: Int, _ count: Int) -> Data? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var data = Data(count: count), done = 0
    while done < count {
      let part = data.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress! + done, count - done, off_t(offset + done)) }
      if part < 0 && errno == EINTR { continue }
      guard part > 0 else { return nil }
      done += part
    }
    return data
  }
}
