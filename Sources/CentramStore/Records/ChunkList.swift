/// The hashes of a file's chunks, by which it is given to peers.
public struct ChunkList: Sendable, Equatable {
  /// SHA-256 of the whole file.
  public var blob: String
  /// Bytes of a chunk; the last may have fewer.
  public var chunkSize: Int
  /// SHA-256 of each, 32 bytes.
  public var hashes: [[UInt8]]
  /// A quick sum of each, against damage only; empty where they are not known.
  public var checks: [UInt64]

  public init(blob: String, chunkSize: Int, hashes: [[UInt8]], checks: [UInt64] = []) {
    (self.blob, self.chunkSize, self.hashes, self.checks) = (blob, chunkSize, hashes, checks)
  }
}
