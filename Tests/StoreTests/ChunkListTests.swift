import CentramGenome
import CentramStore
import Foundation
import StoreSamples
import Testing

/// Hashes of chunks that are remembered.
@Suite struct ChunkListTests {
  let folder = try! TemporaryFolder()

  private static func list(_ blob: String, chunkSize: Int = 400, checks: [UInt64] = [1, .max, 0x0123_4567_89AB_CDEF]) -> ChunkList {
    ChunkList(blob: blob, chunkSize: chunkSize, hashes: (0..<3).map { SHA256.digest(of: [UInt8($0)]) }, checks: checks)
  }

  @Test func aListComesBackAndGoesWithItsFile() throws {
    let store = try GenomeStore(folder: folder("genomes")), blob = try store.put([UInt8](repeating: 1, count: 1_000), now: 1).hash
    let lists = [Self.list(blob), Self.list(blob, chunkSize: 500, checks: [])]
    try store.remember(lists)
    try store.remember(lists)
    for list in lists {
      let found = try store.chunkList(ofBlob: blob, chunkSize: list.chunkSize)
      #expect(found == list)
    }
    let other = try store.chunkList(ofBlob: blob, chunkSize: 401)
    #expect(other == nil)
    let collected = try store.collect(now: .max).files, gone = try store.chunkList(ofBlob: blob, chunkSize: 400)
    #expect(collected == 1 && gone == nil)
    let findings = try store.check()
    #expect(findings.isEmpty)
  }

  @Test func ofAFileThatIsNotHereNothingIsRemembered() throws {
    let store = try GenomeStore(folder: folder("genomes")), blob = Sample.hash("none")
    try store.remember([Self.list(blob)])
    let found = try store.chunkList(ofBlob: blob, chunkSize: 400)
    #expect(found == nil)
  }
}
