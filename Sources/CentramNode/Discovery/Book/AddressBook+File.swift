public import CentramWire
internal import Foundation

/// The book as a file: JSON, written beside and renamed, so that a crash leaves the old one or the new one.
extension AddressBook {
  /// Longer files are not read.
  static let maximumFile = 32 << 20

  private struct StoredPeer: Codable {
    var key: String
    var record: Data?
    var addresses: [String: Address]
    var introducer: String?
    var heard: UInt64, reached: UInt64
    var score: Double
  }
  private struct Stored: Codable {
    var version: Int
    var peers: [StoredPeer]
  }

  /// Writes what is worth keeping.
  /// - Throws: `.storage`.
  public func save(to path: String) throws(DiscoveryError) {
    let peers = entries.values.sorted { $0.key < $1.key }.map { entry in
      StoredPeer(
        key: Hexadecimal.text(entry.key.bytes), record: entry.record.flatMap { try? $0.signed.serializedData() },
        addresses: Dictionary(uniqueKeysWithValues: entry.addresses.map { ($0.key.description, $0.value) }), introducer: entry.introducer.map { Hexadecimal.text($0.bytes) },
        heard: entry.heard, reached: entry.reached, score: entry.score)
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    guard let data = try? encoder.encode(Stored(version: 1, peers: peers)) else { throw DiscoveryError(.storage, "\(path): the address book cannot be encoded") }
    try AtomicFile.write(data, to: path)
  }

  /// Reads a book; what is damaged or no longer good in it is left out. Signatures are checked again.
  /// - Throws: `.storage` where the file is there and is no address book.
  public static func load(from path: String, own: NodeKey, limits: Limits = Limits(), now: UInt64) throws(DiscoveryError) -> AddressBook {
    var book = AddressBook(own: own, limits: limits)
    guard FileManager.default.fileExists(atPath: path) else { return book }
    let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
    guard size <= maximumFile else { throw DiscoveryError(.storage, "\(path): \(size) bytes; an address book has at most \(maximumFile). Remove it to begin anew") }
    guard let data = FileManager.default.contents(atPath: path), let stored = try? JSONDecoder().decode(Stored.self, from: data), stored.version == 1 else {
      throw DiscoveryError(.storage, "\(path): no address book of this version. Remove it to begin anew")
    }
    for peer in stored.peers.prefix(limits.peers) {
      guard let key = Hexadecimal.bytes(peer.key.utf8).flatMap({ NodeKey($0) }), key != own, key != .anyone else { continue }
      var entry = Entry(key: key, heard: min(peer.heard, now))
      (entry.reached, entry.score) = (min(peer.reached, now), peer.score.isFinite ? min(max(0, peer.score), 1e6) : 0)
      entry.introducer = peer.introducer.flatMap { Hexadecimal.bytes($0.utf8) }.flatMap { NodeKey($0) }
      if let data = peer.record, let signed = try? WireSigned(serializedBytes: data), let record = try? VerifiedRecord(signed, now: now), record.key == key {
        entry.record = record
      }
      for (text, state) in peer.addresses.sorted(by: { $0.key < $1.key }).prefix(limits.addresses) {
        guard let address = try? PeerAddress(text) else { continue }
        var state = state
        (state.heard, state.tried, state.reached) = (min(state.heard, now), min(state.tried, now), min(state.reached, now))
        state.failures = min(max(0, state.failures), 100)
        entry.addresses[address] = state
      }
      if !entry.addresses.isEmpty || entry.record != nil { book.entries[key] = entry }
    }
    book.expire(now: now)
    return book
  }
}

/// A file that is whole or not there.
enum AtomicFile {
  /// - Throws: `.storage`.
  static func write(_ data: Data, to path: String) throws(DiscoveryError) {
    let folder = (path as NSString).deletingLastPathComponent
    do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
      throw DiscoveryError(.storage, "\(folder): \(error.localizedDescription)")
    }
    let temporary = "\(path).\(getpid()).part"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .system(.storage, temporary) }
    var rest = data[...], failed = false
    while !rest.isEmpty && !failed {
      let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { failed = true } else { rest = rest.dropFirst(count) }
    }
    failed = failed || fsync(descriptor) != 0
    close(descriptor)
    guard !failed, rename(temporary, path) == 0 else {
      let error = DiscoveryError.system(.storage, path)
      unlink(temporary)
      throw error
    }
  }
}
