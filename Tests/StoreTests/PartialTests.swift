import CentramGenome
import CentramStore
import Foundation
import StoreSamples
import Testing

/// Files that come in pieces.
@Suite struct PartialTests {
  let folder = try! TemporaryFolder()
  private static let bytes = [UInt8]((0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
  private static let hash = Hexadecimal.text(SHA256.digest(of: bytes))

  private func write(_ partial: PartialBlob, _ range: Range<Int>) throws {
    let piece = Array(Self.bytes[range])
    try piece.withUnsafeBytes { try partial.write($0, at: range.lowerBound) }
  }

  private static func piece(_ store: GenomeStore, _ hash: String, at offset: Int, count: Int) throws(StoreError) -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
    defer { buffer.deallocate() }
    try store.read(ofBlob: hash, at: offset, into: buffer)
    return Array(buffer)
  }

  private func open(_ store: GenomeStore, genome: Int = 1) throws -> PartialBlob { try store.partial(of: Sample.id(genome), hash: Self.hash, size: Self.bytes.count) }

  @Test func piecesInAnyOrderOutliveTheStoreAndBecomeABlobOfTheirHash() throws {
    do {
      let store = try GenomeStore(folder: folder("genomes")), partial = try open(store)
      #expect(!partial.isResumed)
      try write(partial, 600..<1_000)
      try store.close()
    }
    let store = try GenomeStore(folder: folder("genomes")), partial = try open(store)
    #expect(partial.isResumed && store.partialBytes() == 1_000)
    var found = [UInt8](repeating: 0, count: 400)
    try found.withUnsafeMutableBytes { try partial.read(at: 600, into: $0) }
    #expect(found == Array(Self.bytes[600...]))
    try write(partial, 0..<600)
    let blob = try store.keep(partial, expecting: Self.hash, now: 5)
    let read = try store.read(Self.hash)
    #expect(blob.size == 1_000 && read == Self.bytes && store.partialBytes() == 0)
    let piece = try Self.piece(store, Self.hash, at: 990, count: 10)
    #expect(piece == Array(Self.bytes[990...]))
    #expect(refusal { () throws(StoreError) in _ = try Self.piece(store, Self.hash, at: 991, count: 10) }?.code == .damaged)
    #expect(refusal { () throws(StoreError) in _ = try Self.piece(store, Sample.hash("none"), at: 0, count: 1) }?.code == .notFound)
    // Its lease holds off a collection, like that of any file.
    let (held, collected) = (try store.collect(now: 6).files, try store.collect(now: .max).files)
    #expect(held == 0 && collected == 1)
  }

  @Test func theHashThatWentOnWithThePiecesIsThatOfTheWhole() throws {
    let store = try GenomeStore(folder: folder("genomes")), partial = try open(store)
    // The end comes first, and what is behind the prefix is not read before it is there.
    for (range, prefix) in [(900..<1_000, 0), (0..<300, 300), (500..<900, 300), (300..<500, 1_000)] {
      try write(partial, range)
      try partial.advance(to: prefix)
    }
    let blob = try store.keep(partial, expecting: Self.hash, now: 5)
    #expect(blob.size == 1_000)
  }

  @Test(arguments: 0..<50 as Range<UInt64>) func piecesInAnyOrderGiveTheHashOfTheWhole(seed: UInt64) throws {
    let store = try GenomeStore(folder: folder("genomes")), partial = try open(store)
    var random = SystemRandom(state: seed), there = Array(repeating: false, count: 10)
    for piece in (0..<10).shuffled(using: &random) {
      try write(partial, piece * 100..<(piece + 1) * 100)
      there[piece] = true
      if Bool.random(using: &random) { try partial.advance(to: 100 * (there.firstIndex(of: false) ?? 10)) }
    }
    let blob = try store.keep(partial, expecting: Self.hash, now: 5)
    #expect(blob.size == 1_000)
  }

  @Test func aWrongPieceInTheHashThatWentOnIsRefused() throws {
    let store = try GenomeStore(folder: folder("genomes")), partial = try open(store)
    try partial.advance(to: 10)
    try write(partial, 0..<1_000)
    #expect(refusal { () throws(StoreError) in _ = try store.keep(partial, expecting: Self.hash, now: 5) }?.code == .damaged)
  }

  @Test func aWholeFileOfAnotherHashIsRefusedAndRemoved() throws {
    let store = try GenomeStore(folder: folder("genomes")), partial = try open(store)
    try write(partial, 0..<999)
    #expect(refusal { () throws(StoreError) in _ = try store.keep(partial, expecting: Self.hash, now: 5) }?.code == .damaged)
    #expect(!store.hasBlob(Self.hash) && store.partialBytes() == 0)
  }

  /// As a process has them between its fork and its exec.
  private func copies(of path: String) throws -> [Int32] {
    let path = (path as NSString).standardizingPath
    return try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { name in
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")) == path ? Int32(name).map { dup($0) } : nil
    }
  }

  @Test func aLockEndsWithItsHolderThoughAForkedProcessHasTheFileYet() throws {
    var copies: [Int32] = []
    defer { for copy in copies { Foundation.close(copy) } }
    do {
      let store = try GenomeStore(folder: folder("genomes")), partial = try open(store)
      let locks = try self.copies(of: folder("genomes/.lock")), partials = try self.copies(of: "\(store.folder)/partial/\(Sample.id(1))-\(Self.hash)")
      copies = locks + partials
      #expect(!locks.isEmpty && !partials.isEmpty)
      withExtendedLifetime((store, partial)) {}
    }
    let repaired = try GenomeStore.repair(folder: folder("genomes"), reader: Sample.reader, now: 77)
    #expect(repaired.genomes == 0)
    let again = try open(try GenomeStore(folder: folder("genomes")))
    #expect(again.isResumed)
  }

  @Test func onlyOneHoldsAPartialFileAndEachGenomeHasItsOwn() throws {
    let store = try GenomeStore(folder: folder("genomes"))
    let partial = try open(store), other = try open(store, genome: 2)
    #expect(refusal { () throws(StoreError) in _ = try store.partial(of: Sample.id(1), hash: Self.hash, size: 1_000) }?.code == .busy)
    withExtendedLifetime((partial, other)) { #expect(store.partialBytes() == 2_000) }
    #expect(refusal { () throws(StoreError) in _ = try store.partial(of: "../../etc", hash: Self.hash, size: 1) }?.code == .invalid)
    #expect(refusal { () throws(StoreError) in _ = try store.partial(of: Sample.id(1), hash: Self.hash, size: 1 << 60) }?.code == .full)
  }

  @Test func aCollectionTakesPartialFilesThatAreOldAndNobodysNow() throws {
    var options = GenomeStore.Options()
    options.partialMilliseconds = 1_000
    let store = try GenomeStore(folder: folder("genomes"), options: options), now = Int64(Date().timeIntervalSince1970 * 1_000)
    do { _ = try (open(store), open(store, genome: 2)) }
    let held = try open(store, genome: 3)
    let young = try store.collect(now: now - 10_000).abandoned
    #expect(young == 0 && store.partialBytes() == 3_000)
    let old = try store.collect(now: now + 10_000).abandoned
    #expect(old == 2 && store.partialBytes() == 1_000)
    withExtendedLifetime(held) {}
    store.discardPartials(of: Sample.id(3))
  }

  @Test func anAuthorIsFrozenOnceForAProofOfAPeer() throws {
    let store = try GenomeStore(folder: folder("genomes"))
    let entry = ForkProof.Entry(manifest: [1], signature: [UInt8](repeating: 1, count: 64))
    let proof = ForkProof(author: Sample.key(1), sequence: 4, first: entry, second: .init(manifest: [2], signature: entry.signature), timeMilliseconds: 9)
    let before = try store.changeMark()
    let (first, second) = (try store.freeze(proof), try store.freeze(proof))
    #expect(first && !second)
    let (kept, authors, after) = (try store.forkProof(of: Sample.key(1)), try store.frozenAuthors(limit: 5), try store.changeMark())
    #expect(kept == proof && authors == [Sample.key(1)] && after != before)
  }
}
