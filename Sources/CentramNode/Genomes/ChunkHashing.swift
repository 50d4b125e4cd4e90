internal import CXXHash
internal import CentramGenome
package import CentramStore

/// Hashes of a file's chunks, as its bytes pass.
package struct ChunkHashing: Sendable {
  private let chunkSize: Int
  private var hashes: [[UInt8]] = [], checks: [UInt64] = []

  package init(chunkSize: Int) { self.chunkSize = chunkSize }

  /// Of bytes that are there as a whole.
  package init(_ bytes: UnsafeRawBufferPointer, chunkSize: Int) {
    self.init(chunkSize: chunkSize)
    for start in stride(from: 0, to: bytes.count, by: chunkSize) { add(UnsafeRawBufferPointer(rebasing: bytes[start..<min(bytes.count, start + chunkSize)])) }
  }

  /// - Parameter chunk: the next `chunkSize` bytes, or what is left.
  package mutating func add(_ chunk: UnsafeRawBufferPointer) {
    hashes.append(CentramGenome.SHA256.digest(of: chunk))
    checks.append(Self.check(chunk))
  }

  /// What the manifest names: the hash of the chunks' hashes.
  package var joined: String { Hexadecimal.text(ChunkHashes.joined(hashes)) }

  /// - Parameter blob: SHA-256 of the whole.
  package func list(of blob: String) -> ChunkList { ChunkList(blob: blob, chunkSize: chunkSize, hashes: hashes, checks: checks) }

  /// XXH3, which tells bytes that a disk damaged at a tenth of what SHA-256 costs.
  package static func check(_ chunk: UnsafeRawBufferPointer) -> UInt64 { XXH3_64bits(chunk.baseAddress, chunk.count) }
}
