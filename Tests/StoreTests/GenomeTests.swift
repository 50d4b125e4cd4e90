import CentramStore
import Foundation
import StoreSamples
import Testing

@Suite struct GenomeTests {
  let folder = try! TemporaryFolder()
  let store: GenomeStore

  init() throws { store = try GenomeStore(folder: folder("genomes")) }

  @Test func aGenomeComesBackAsItWasRecorded() throws {
    for sample in [Sample(1), Sample(2, author: 5, sequence: 7, previous: 6, parents: [1, 3], generation: 4, domain: "code.swift")] {
      let outcome = try sample.add(to: store)
      let record = try store.genome(sample.id), signed = try store.signedManifest(sample.id)
      #expect(outcome == .added && record == sample.record() && signed == sample.signed && store.hasFiles(record))
      let again = try sample.add(to: store)
      #expect(again == .alreadyThere(.received))
    }
    try store.close()
    let reopened = try GenomeStore(folder: folder("genomes"))
    let record = try reopened.genome(Sample.id(1))
    #expect(record == Sample(1).record())
  }

  @Test func filesMustBeThereUnlessOnlyTheManifestIsWanted() throws {
    let record = Sample(1).record()
    let error = refusal { () throws(StoreError) in _ = try store.add(record, signed: []) }
    #expect(error?.code == .conflict && error?.message.contains("adapter_config.json is not here whole") == true)
    #expect(refusal { () throws(StoreError) in _ = try store.genome(record.id) }?.code == .notFound)
    let outcome = try store.add(record, signed: [], requiringFiles: false)
    #expect(outcome == .added && !store.hasFiles(record))
  }

  @Test func idsMayBeShortenedWhileTheyAreUnique() throws {
    // Ids that share their first five digits.
    var seen: [Substring: Int] = [:], pair: (Int, Int)?
    for number in 0... {
      if let other = seen.updateValue(number, forKey: Sample.id(number).prefix(5)) {
        pair = (other, number)
        break
      }
    }
    let (one, other) = try #require(pair)
    for number in [one, other] { try Sample(number, author: number).add(to: store) }
    let shared = String(Sample.id(one).prefix(5))
    let ambiguous = refusal { () throws(StoreError) in _ = try store.genome(abbreviated: shared) }
    #expect(ambiguous?.code == .ambiguous && ambiguous?.message.contains("2 genomes begin so") == true)
    for length in [16, 64] {
      let record = try store.genome(abbreviated: String(Sample.id(one).prefix(length)).uppercased())
      #expect(record.id == Sample.id(one))
    }
    #expect(refusal { () throws(StoreError) in _ = try store.genome(abbreviated: String(shared.prefix(3))) }?.message.contains("4 to 64") == true)
    #expect(refusal { () throws(StoreError) in _ = try store.genome(abbreviated: "zzzz") }?.code == .ambiguous)
    #expect(refusal { () throws(StoreError) in _ = try store.genome(abbreviated: Sample.id(one) + "0") }?.code == .ambiguous)
    #expect(refusal { () throws(StoreError) in _ = try store.genome(abbreviated: Sample.id(-1)) }?.code == .notFound)
  }

  @Test func ownEntriesOfTwoUsersOfTheStoreMakeOneLog() async throws {
    let folder = folder("genomes")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for user in 0..<2 {
        group.addTask {
          let own = try GenomeStore(folder: folder)
          for entry in 0..<10 { try Sample.append(user * 100 + entry, to: own) }
        }
      }
      try await group.waitForAll()
    }
    let records = try store.genomes(state: .own).sorted { $0.sequence < $1.sequence }
    #expect(records.map(\.sequence) == (1...20).map { UInt64($0) })
    for (one, next) in zip(records, records.dropFirst()) { #expect(next.previous == one.id) }
  }

  @Test func theSameFilesAreNoSecondEntry() throws {
    try Sample.append(1, to: store)
    let error = refusal { () throws(StoreError) in try Sample.append(1, to: store) }
    #expect(error?.code == .conflict && error?.message.contains("a genome already, entry 1") == true)
    let log = try store.log(of: Sample.key(0))
    #expect(log == AuthorLog(lastSequence: 1, lastID: Sample.id(1)))
  }

  @Test func listsAreNewestFirstAndFiltered() throws {
    for number in 1...4 { try Sample(number, author: number % 2, sequence: UInt64(number), domain: number < 3 ? "a" : "b").add(to: store, time: Int64(number)) }
    try store.decide(Sample.id(1), .accepted, advancesLog: true, now: 9)
    let all = try store.genomes().map(\.id), accepted = try store.genomes(state: .accepted).map(\.id)
    #expect(all == [1, 4, 3, 2].map(Sample.id) && accepted == [Sample.id(1)])
    let domain = try store.genomes(domain: "b", limit: 1).map(\.id), author = try store.genomes(author: Sample.key(0)).map(\.id)
    #expect(domain == [Sample.id(4)] && author == [4, 2].map(Sample.id))
  }
}
