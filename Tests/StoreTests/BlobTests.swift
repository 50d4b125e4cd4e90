import CentramGenome
import CentramStore
import Foundation
import Testing

@Suite struct BlobTests {
  let folder = try! TemporaryFolder()
  let store: GenomeStore

  init() throws { store = try GenomeStore(folder: folder("genomes")) }

  private func temporaries() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder("genomes/temporary")) }

  @Test(arguments: [0, 1, 1 << 20, (1 << 20) + 1]) func aFileComesBackByItsHash(size: Int) throws {
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let blob = try store.put(bytes, now: 1)
    #expect(blob.hash == Hexadecimal.text(SHA256.digest(of: bytes)) && blob.size == size)
    #expect(FileManager.default.fileExists(atPath: store.file(blob.hash)) && store.hasBlob(blob.hash))
    let back = try store.read(blob.hash)
    #expect(back == bytes)
    let rest = try temporaries()
    #expect(rest.isEmpty)
  }

  @Test func anotherHashThanTheExpectedIsRefusedAndLeavesNothing() throws {
    let error = refusal { () throws(StoreError) in _ = try store.put([1, 2, 3], expecting: String(repeating: "0", count: 64), now: 1) }
    #expect(error?.code == .damaged)
    let rest = try temporaries()
    #expect(rest.isEmpty && !store.hasBlob(Hexadecimal.text(SHA256.digest(of: [1, 2, 3]))))
  }

  @Test func damagedBytesAreNamedAndNeverHandedOut() throws {
    let blob = try store.put([UInt8](repeating: 9, count: 3000), now: 1)
    for damage in [[UInt8](repeating: 9, count: 2999), [UInt8](repeating: 9, count: 2999) + [8], [UInt8](repeating: 9, count: 3001), []] {
      try Data(damage).write(to: URL(fileURLWithPath: store.file(blob.hash)))
      let error = refusal { () throws(StoreError) in _ = try store.read(blob.hash) }
      #expect(error?.code == .damaged && error?.message.contains(store.file(blob.hash)) == true)
    }
    // The right bytes again make it whole.
    _ = try store.put([UInt8](repeating: 9, count: 3000), now: 1)
    let back = try store.read(blob.hash)
    #expect(back.count == 3000)
    unlink(store.file(blob.hash))
    #expect(refusal { () throws(StoreError) in try store.verify(blob.hash) }?.code == .notFound)
  }

  @Test func anUnfinishedFileLeavesNothing() throws {
    do {
      let writer = try store.newBlob(size: 10)
      try [UInt8](repeating: 1, count: 10).withUnsafeBytes { try writer.write($0) }
      let during = try temporaries()
      #expect(during.count == 1)
    }
    let after = try temporaries()
    #expect(after.isEmpty)
  }

  @Test func aFileThatTheDiskCannotHoldIsRefusedBeforeItIsWritten() throws {
    let error = refusal { () throws(StoreError) in _ = try store.newBlob(size: 1 << 60) }
    #expect(error?.code == .full && error?.message.contains("bytes are needed") == true)
  }
}
