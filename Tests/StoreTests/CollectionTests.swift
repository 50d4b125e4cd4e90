import CentramStore
import Foundation
import StoreSamples
import Testing

@Suite struct CollectionTests {
  let folder = try! TemporaryFolder()

  private func store(lease: Int64? = nil) throws -> GenomeStore {
    var options = GenomeStore.Options()
    if let lease { options.leaseMilliseconds = lease }
    return try GenomeStore(folder: folder("genomes"), options: options)
  }

  @Test func freesWhatNobodyRefersToOnceItsLeaseEnds() throws {
    let store = try store(lease: 100)
    let blob = try store.put([1, 2, 3], now: 1000)
    try Sample(1).add(to: store)
    let early = try store.collect(now: 1099)
    #expect(early == .init() && store.hasBlob(blob.hash))
    let late = try store.collect(now: 1100)
    #expect(late.files == 1 && late.bytes == 3 && !store.hasBlob(blob.hash))
    let record = try store.genome(Sample.id(1))
    #expect(store.hasFiles(record))
    let again = try store.collect(now: .max)
    #expect(again == .init())
  }

  @Test func freesRejectedWeightsAndKeepsTheManifestAndSharedFiles() throws {
    let store = try store()
    for number in 1...3 { try Sample(number, author: number).add(to: store) }
    try store.decide(Sample.id(1), .rejected, advancesLog: true, now: 2)
    try store.decide(Sample.id(2), .revoked, advancesLog: true, now: 2)
    let collected = try store.collect(now: .max)
    #expect(collected.files == 1)
    let complete = try (1...3).map { store.hasFiles(try store.genome(Sample.id($0))) }
    #expect(complete == [false, true, true])
    let revoked = try store.collect(includingRevoked: true, now: .max)
    let rest = try (1...3).map { store.hasFiles(try store.genome(Sample.id($0))) }, signed = try store.signedManifest(Sample.id(1))
    // adapter_config.json is the same for all three.
    #expect(revoked.files == 1 && rest == [false, false, true] && signed == Sample(1).signed)
  }

  @Test func filesWithoutARowGoAndNeededOnesGetTheirs() throws {
    let store = try store()
    try Sample(1).add(to: store)
    let stray = store.folder + "/blobs/ab"
    try FileManager.default.createDirectory(atPath: stray, withIntermediateDirectories: true)
    try Data("stray".utf8).write(to: URL(fileURLWithPath: stray + "/" + String(repeating: "c", count: 62)))
    try Data("no hash".utf8).write(to: URL(fileURLWithPath: stray + "/README"))
    let collected = try store.collect(now: 1)
    let record = try store.genome(Sample.id(1))
    #expect(collected.files == 1 && collected.bytes == 5 && store.hasFiles(record) && FileManager.default.fileExists(atPath: stray + "/README"))
  }

  @Test func temporaryFilesGoOnceNobodyWritesThem() throws {
    let store = try store()
    let writer = try store.newBlob(size: 1)
    try Data("left".utf8).write(to: URL(fileURLWithPath: store.folder + "/temporary/1-1"))
    let collected = try store.collect(now: 1)
    let names = try FileManager.default.contentsOfDirectory(atPath: store.folder + "/temporary")
    #expect(collected.abandoned == 1 && names.count == 1)
    _ = try store.keep(writer, now: 1)
  }

  /// A collection that runs all the time, beside a writer whose leases hold, and beside one whose leases never do.
  @Test(arguments: [Int64(3_600_000), 0]) func neverTakesWhatAWriterRefersTo(lease: Int64) throws {
    let writer = try store(lease: lease), collector = try store()
    let (begun, done, ended) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    Thread.detachNewThread {
      repeat {
        #expect(refusal { () throws(StoreError) in _ = try collector.collect(now: 1000) } == nil)
        begun.signal()
      } while done.wait(timeout: .now()) != .success
      ended.signal()
    }
    begun.wait()
    var added = 0
    for number in 0..<60 {
      do throws(StoreError) {
        try Sample(number, author: number).add(to: writer)
        added += 1
      } catch {
        // Without a lease a file may go before it is referred to; then that is said, and nothing is recorded.
        #expect(lease == 0 && error.code == .conflict, "\(error)")
      }
    }
    done.signal()
    ended.wait()
    let records = try writer.genomes()
    #expect(records.count == added && (lease == 0 || added == 60), "\(records.count) of \(added)")
    for record in records {
      for file in record.files { #expect(refusal { () throws(StoreError) in try writer.verify(file.hash) } == nil, "\(file.name)") }
    }
  }
}
