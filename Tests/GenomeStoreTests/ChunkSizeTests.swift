import Testing

@testable import CentramNode

/// What a file of a genome is cut into.
@Suite struct ChunkSizeTests {
  @Test(arguments: [(0, 256), (1, 256), ((8 << 20) - 1, 256), (8 << 20, 1024), (8192 << 20, 1024)].map { ($0.0, $0.1 << 10) })
  func aFileFromEightMebibytesOnHasChunksOfOne(size: Int, chunkSize: Int) {
    #expect(SignedManifest.chunkSize(for: size) == chunkSize)
    #expect(SignedManifest.chunkCount(Int64(size), chunkSize) <= SignedManifest.maximumChunks)
  }
}
