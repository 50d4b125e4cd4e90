import CentramStore
import StoreSamples
import Testing

@Suite struct AttestationTests {
  let folder = try! TemporaryFolder()

  @Test func attestationsComeBackInTheirOrderOnceEachAndOutliveARepair() throws {
    let store = try GenomeStore(folder: folder("genomes")), all = (1...3).flatMap(Sample.attestations)
    try store.keep(Array(all.prefix(4)), forgetting: [])
    // One that is there already, and one that goes.
    try store.keep(Array(all.suffix(3)), forgetting: [all[0].signature])
    let (kept, newest, none) = (try store.attestations(limit: .max), try store.attestations(limit: 2), try store.attestations(limit: 0))
    #expect(kept == Array(all.dropFirst()) && newest == Array(all.suffix(2)) && none.isEmpty)
    try store.close()
    _ = try GenomeStore.repair(folder: folder("genomes"), reader: Sample.reader, now: 77)
    let again = try GenomeStore(folder: folder("genomes")), after = try again.attestations(limit: .max)
    #expect(after == kept)
    try again.forgetAttestations(by: all[1].signer)
    let left = try again.attestations(limit: .max)
    #expect(left == kept.filter { $0.signer != all[1].signer } && left.count < kept.count && !left.isEmpty)
  }

  @Test func aSignatureOfAnotherLengthIsRefusedAndNothingOfItsMessageStays() throws {
    let store = try GenomeStore(folder: folder("genomes"))
    var wrong = Sample.attestations(1)
    wrong[1].signature.removeLast()
    let error = refusal { () throws(StoreError) in try store.keep(wrong, forgetting: []) }
    let kept = try store.attestations(limit: .max)
    #expect(error != nil && kept.isEmpty)
  }
}
