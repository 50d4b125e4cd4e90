internal import CentramGenome
internal import CentramStore
internal import CentramWire
internal import Foundation

/// A manifest as a peer sent it, with the hashes of all chunks. There is none that was not checked: the signature, and that the hashes are those that
/// the author signed.
struct TransferManifest: Sendable {
  let signed: SignedManifest
  /// By file, in order.
  let hashes: [[[UInt8]]]

  var id: String { signed.manifest.id }
  var files: [Manifest.File] { signed.manifest.files }
  /// Bytes of all files.
  var size: Int { files.reduce(0) { $0 + Int($1.size) } }

  /// - Throws: `.malformed`, `.signature`, `.tampered`.
  init(_ message: WireGenomeManifest, expecting id: String) throws(GenomePackageError) {
    let signed = try SignedManifest(bytes: SignedManifest.serialized(message.manifest), name: "the manifest of \(id.prefix(16))")
    guard signed.manifest.id == id, message.genome.elementsEqual(Hexadecimal.bytes(id.utf8) ?? []) else {
      throw GenomePackageError(.tampered, "the manifest is that of \(signed.manifest.id), not of \(id)")
    }
    guard message.files.count == signed.manifest.files.count else {
      throw GenomePackageError(.tampered, "\(message.files.count) files are described, and \(signed.manifest.files.count) were signed")
    }
    var hashes: [[[UInt8]]] = []
    for (told, file) in zip(message.files, signed.manifest.files) {
      guard told.name == file.name, told.size == UInt64(file.size), Int(told.chunkSize) == file.chunkSize, Hexadecimal.text(told.digest) == file.sha256 else {
        throw GenomePackageError(.tampered, "\(file.name): what is said of it is not what was signed")
      }
      let chunks = told.chunks.map { [UInt8]($0) }
      guard chunks.count == Int(SignedManifest.chunkCount(file.size, file.chunkSize)), Hexadecimal.text(ChunkHashes.joined(chunks)) == file.chunks else {
        throw GenomePackageError(.tampered, "\(file.name): the hashes of its \(chunks.count) chunks are not those that were signed")
      }
      hashes.append(chunks)
    }
    (self.signed, self.hashes) = (signed, hashes)
  }

  var chunkLists: [ChunkList] { zip(files, hashes).map { ChunkList(blob: $0.sha256, chunkSize: $0.chunkSize, hashes: $1) } }

  /// Where a chunk stands in its file.
  func range(of chunk: ChunkPlan.Chunk) -> Range<Int> {
    let file = files[chunk.file], start = chunk.index * file.chunkSize
    return start..<min(Int(file.size), start + file.chunkSize)
  }

  func isRight(_ bytes: UnsafeRawBufferPointer, _ chunk: ChunkPlan.Chunk) -> Bool {
    bytes.count == range(of: chunk).count && CentramGenome.SHA256.digest(of: bytes) == hashes[chunk.file][chunk.index]
  }
}
