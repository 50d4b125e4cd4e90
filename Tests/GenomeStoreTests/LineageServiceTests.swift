import CentramGenome
import CentramNode
import CentramPluginAPI
import CentramStore
import Foundation
import Testing

@Suite struct LineageServiceTests {
  let home: Home, other: Home
  init() throws { (home, other) = (try Home(), try Home(key: 2)) }

  private func hand(_ record: GenomeRecord, from home: Home, to other: Home) throws {
    let path = home("\(UUID().uuidString).genome")
    try home.library.export(record, to: path)
    _ = try other.library.import(path)
  }

  @Test func entriesSayWhatTheManifestsSayAndWhatTheGateMeasured() async throws {
    let one = try other.genome(1), two = try other.genome(2, domain: "code", parents: [(one.id, nil)])
    for record in [one, two] { try hand(record, from: other, to: home) }
    let service: any LineageService = StoredLineage(store: home.store)
    // The candidate itself is new to the layers that judge it.
    let (unknown, noLast, ancestor) = (
      try await service.isKnown(contentHash: Hexadecimal.bytes(one.id)!), try await service.lastEntry(author: one.author), try await service.ancestor(one.id)
    )
    #expect(!unknown && noLast == nil && ancestor?.id == one.id)
    try home.store.decide(one.id, .accepted, metrics: ["lift": 0.5], advancesLog: true, now: 10)
    try home.store.decide(two.id, .accepted, advancesLog: true, now: 11)
    let (known, last, accepted, code, none, strange) = (
      try await service.isKnown(contentHash: Hexadecimal.bytes(one.id)!), try await service.lastEntry(author: one.author), try await service.accepted(domain: nil, limit: 10),
      try await service.accepted(domain: "code", limit: 10), try await service.accepted(domain: nil, limit: 0), try await service.ancestor(String(repeating: "0", count: 64))
    )
    #expect(known && last?.sequence == 2 && last?.id == two.id && accepted.map(\.id) == [two.id, one.id] && code.map(\.id) == [two.id] && none.isEmpty && strange == nil)
    #expect(
      accepted[1]
        == LineageEntry(
          id: one.id, author: one.author, parents: [], generation: 0, sequence: 1, previous: nil, unixMilliseconds: one.madeMilliseconds, domain: "text", measures: ["lift": 0.5]))
    #expect(accepted[0].parents == [.init(id: one.id, basisPoints: 10_000)] && accepted[0].generation == 1 && accepted[0].previous == one.id)
  }

  @Test func picturesShowEveryGenomeAndShare() throws {
    let one = try home.genome(1, domain: "a<b & \"c\""), two = try home.genome(2), child = try home.genome(3, parents: [(one.id, 7525), (two.id, nil)])
    let picture = LineagePicture(try home.store.lineage(of: child.id))
    for text in [picture.text, picture.dot, picture.svg] {
      for record in [one, two, child] { #expect(text.contains(record.id.prefix(12)), "\(text)") }
      #expect(text.contains("75.25 %") && text.contains("24.75 %"))
    }
    #expect(picture.svg.contains("a&lt;b &amp; &quot;c&quot;") && !picture.svg.contains("a<b") && picture.svg.hasPrefix("<svg ") && picture.svg.hasSuffix("</svg>\n"))
    #expect(picture.dot.contains("\\\"c\\\"") && picture.dot.contains("\"\(one.id)\" -> \"\(child.id)\""))
    #expect(picture.svg.components(separatedBy: "<line ").count == 3 && picture.svg.components(separatedBy: "<g>").count == 4)
  }

  @Test func aRevocationTravelsAndReachesDescendants() throws {
    let one = try other.genome(1)
    try hand(one, from: other, to: home)
    let child = try home.genome(5, parents: [(one.id, nil)])
    // Nobody takes back what another made.
    let error = refusal { _ = try home.library.revoke(try home.library.genome(one.id), reason: .harmful) }
    #expect(error?.code == .conflict && error?.message.contains("only an author") == true)
    let (revocation, changed) = try other.library.revoke(one, reason: .harmful, message: "it does harm")
    let bytes = revocation.bytes
    #expect(changed == [one.id])
    let received = try home.library.receive(try SignedRevocation(bytes: bytes))
    let states = try [one.id, child.id].map { try home.library.genome($0).state }
    #expect(Set(received) == [one.id, child.id] && states == [.revoked, .quarantined])
    let read = try SignedRevocation(bytes: bytes)
    #expect(read.genome == one.id && read.author == other.library.author && read.reason == .harmful && read.message == "it does harm" && read.replacement == nil)
    for index in bytes.indices {
      var changed = bytes
      changed[index] ^= 1
      if let error = refusal({ _ = try SignedRevocation(bytes: changed) }) {
        #expect([.signature, .malformed].contains(error.code), "\(index): \(error)")
      } else {
        Issue.record("byte \(index) was changed, and the revocation held")
      }
    }
    let long = String(repeating: "x", count: 1024)
    _ = try home.library.revoke(child, reason: .superseded, message: long, replacement: nil)
    #expect(refusal { _ = try home.library.revoke(child, reason: .superseded, message: long + "x") }?.message.contains("1025 bytes") == true)
  }

  @Test func aCompromisedKeyTakesEverythingBack() throws {
    let one = try other.genome(1), two = try other.genome(2)
    for record in [one, two] { try hand(record, from: other, to: home) }
    let (revocation, _) = try other.library.revoke(one, reason: .keyCompromised)
    let changed = try home.library.receive(revocation)
    #expect(Set(changed) == [one.id, two.id])
  }

  @Test func aDatabaseIsRebuiltFromSignaturesAlone() throws {
    let one = try home.genome(1), two = try other.genome(2)
    try hand(two, from: other, to: home)
    _ = try other.library.revoke(two, reason: .privacy)
    let revocation = try #require(try other.store.revocations().first)
    _ = try home.library.receive(try SignedRevocation(bytes: revocation.signed))
    try home.store.close()
    // A second handle would hold the store's lock; the library that opened it is done with it.
    let copy = home("copy")
    try FileManager.default.copyItem(atPath: home("genomes"), toPath: copy)
    try Data("gone".utf8).write(to: URL(fileURLWithPath: copy + "/genomes.sqlite"))
    let damaged = {
      do throws(StoreError) { _ = try GenomeStore(folder: copy) } catch { return error.code }; return StoreError.Code(rawValue: "opened")
    }()
    #expect(damaged == .damaged)
    let repaired = try GenomeLibrary.repair(folder: copy, identity: NodeIdentity(seed: [UInt8](repeating: 1, count: 32)), now: 5)
    #expect(repaired.genomes == 2 && repaired.revocations == 1 && repaired.findings.isEmpty, "\(repaired)")
    let store = try GenomeStore(folder: copy)
    let states = try [one.id, two.id].map { try store.genome($0).state }
    let log = try store.log(of: one.author)
    #expect(states == [.own, .revoked] && log == AuthorLog(lastSequence: 1, lastID: one.id))
  }
}
