internal import CentramGenome
internal import CentramStore
internal import CentramWire
internal import Foundation
internal import Synchronization

/// A genome ready to be given away: its manifest as a message, with the hashes of all chunks.
struct ServedGenome: Sendable {
  let id: String
  let message: WireGenomeManifest
  let files: [Manifest.File]
  private let checks: Checks

  /// By file and chunk: the quick sum of its right bytes, where it is known.
  private final class Checks: Sendable {
    private let known: Mutex<[[UInt64?]]>
    init(_ known: [[UInt64?]]) { self.known = Mutex(known) }
    subscript(file: Int, index: Int) -> UInt64? {
      get { known.withLock { $0[file][index] } }
      set { known.withLock { $0[file][index] = newValue } }
    }
  }

  /// Takes the hashes that the store remembers, where they are those that were signed; else reads the files.
  /// - Throws: where a file is gone, or damaged as far as it was read.
  init(_ record: GenomeRecord, in store: GenomeStore) throws(GenomePackageError) {
    let signed = try SignedManifest(record)
    var message = WireGenomeManifest()
    message.genome = Data(Hexadecimal.bytes(record.id.utf8) ?? [])
    do { message.manifest = try WireSigned(serializedBytes: Data(signed.bytes)) } catch { throw GenomePackageError(.malformed, "\(record.id): its manifest cannot be read") }
    var checks: [[UInt64?]] = []
    for file in signed.manifest.files {
      var described = WireGenomeFile()
      (described.name, described.size, described.chunkSize) = (file.name, UInt64(file.size), UInt32(file.chunkSize))
      described.digest = Data(Hexadecimal.bytes(file.sha256.utf8) ?? [])
      let list = try GenomePackageError.storing { () throws(StoreError) in try Self.list(of: file, in: store) }
      described.chunks = list.hashes.map { Data($0) }
      checks.append(list.checks.isEmpty ? Array(repeating: nil, count: list.hashes.count) : list.checks)
      message.files.append(described)
    }
    (id, self.message, files, self.checks) = (record.id, message, signed.manifest.files, Checks(checks))
  }

  private static func list(of file: Manifest.File, in store: GenomeStore) throws(StoreError) -> ChunkList {
    if store.hasBlob(file.sha256), let known = try? store.chunkList(ofBlob: file.sha256, chunkSize: file.chunkSize),
      Hexadecimal.text(ChunkHashes.joined(known.hashes)) == file.chunks
    {
      return known
    }
    var chunks = ChunkHashing(chunkSize: file.chunkSize)
    for offset in stride(from: 0, to: Int(file.size), by: file.chunkSize) {
      let piece = Bulk(count: min(file.chunkSize, Int(file.size) - offset))
      try store.read(ofBlob: file.sha256, at: offset, into: piece.room)
      chunks.add(piece.bytes)
    }
    guard chunks.joined == file.chunks else { throw StoreError(.damaged, "\(file.name) is not what was signed; centram-host genome verify says more") }
    let list = chunks.list(of: file.sha256)
    // Without it the next one reads the file again.
    try? store.remember([list])
    return list
  }

  /// A chunk's bytes, compared with what was signed: by a quick sum, and by their hash where that is not known or not theirs.
  /// - Throws: `.damaged`, `.notFound`.
  func chunk(_ file: Int, _ index: Int, in store: GenomeStore) throws(StoreError) -> Bulk {
    let described = files[file], offset = index * described.chunkSize
    let chunk = Bulk(count: min(described.chunkSize, Int(described.size) - offset))
    try store.read(ofBlob: described.sha256, at: offset, into: chunk.room)
    let check = ChunkHashing.check(chunk.bytes)
    let isRight = checks[file, index] == check || message.files[file].chunks[index].elementsEqual(CentramGenome.SHA256.digest(of: chunk.bytes))
    guard isRight else { throw StoreError(.damaged, "\(id): chunk \(index) of \(described.name) is damaged; centram-host genome verify says more") }
    checks[file, index] = check
    return chunk
  }

  func has(_ file: Int, _ index: Int) -> Bool { files.indices.contains(file) && message.files[file].chunks.indices.contains(index) }
}

/// Genomes that were served of late.
final class ServedGenomes: Sendable {
  private struct State {
    var genomes: [String: (genome: ServedGenome, used: UInt64)] = [:]
    var uses: UInt64 = 0
  }
  private let state = Mutex(State())
  static let capacity = 64

  /// - Throws: where a file is gone or damaged.
  func genome(_ record: GenomeRecord, in store: GenomeStore) async throws(GenomePackageError) -> ServedGenome {
    if let known = find(record.id) { return known }
    let genome = try ServedGenome(record, in: store)
    state.withLock { state in
      if state.genomes.count >= Self.capacity, let oldest = state.genomes.min(by: { $0.value.used < $1.value.used })?.key { state.genomes[oldest] = nil }
      state.uses += 1
      state.genomes[record.id] = (genome, state.uses)
    }
    return genome
  }

  private func find(_ id: String) -> ServedGenome? {
    state.withLock { state in
      guard let known = state.genomes[id] else { return nil }
      state.uses += 1
      state.genomes[id]?.used = state.uses
      return known.genome
    }
  }
}
