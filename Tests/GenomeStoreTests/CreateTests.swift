import CentramGenome
import CentramNode
import CentramStore
import Foundation
import Testing

@Suite struct CreateTests {
  let home: Home
  init() throws { home = try Home() }

  private func manifest(_ record: GenomeRecord) throws -> Manifest { try Manifest(parsing: record.manifest) }

  @Test func aTrainedAdapterBecomesTheNextEntryOfTheNodesLog() throws {
    let first = try home.genome(1), second = try home.genome(2, domain: "code.swift")
    let one = try manifest(first), two = try manifest(second)
    #expect(one.sequence == 1 && one.previous == nil && two.sequence == 2 && two.previous == first.id && two.domain == "code.swift")
    #expect(one.author == home.library.author && one.madeMilliseconds == 1_700_000_000_000 && one.kind == .adapter && one.generation == 0 && first.state == .own)
    try one.checkRelations()
    #expect(ManifestSignature.holds(first.signature, of: first.manifest, by: Hexadecimal.bytes(first.author) ?? []))
    let base = Hexadecimal.text(SHA256.digest(of: Array("weights of the base".utf8)))
    #expect(one.base == base && one.files.map(\.name) == ["adapter_config.json", "adapter_model.safetensors"])
    let weights = try home.store.read(one.files[1].sha256)
    #expect(weights == Home.weights(seed: 1))
  }

  @Test func theBasesPathOnThisMachineDoesNotLeaveIt() throws {
    let record = try home.genome()
    let configuration = String(decoding: try home.store.read(record.files[0].hash), as: UTF8.self)
    #expect(configuration.contains("\"base_model_name_or_path\": \"base\"") && !configuration.contains(home.path))
  }

  @Test func resultsAndPrivacyRecordOfTheTrainerAreStated() throws {
    let folder = try home.adapter("trained")
    let training = """
      {"schema": 1, "trainer": "trainer.dp-lora", "trainerVersion": "1.2.0", "centramVersion": "0.1.0", "model": "\(home("base"))", "dataHash": "00", "sequences": 5,
       "tokens": 10, "length": 4, "settings": {}, "metrics": {"validation_loss": 1.5, "tokens_per_second": 100}, "files": []}
      """
    let record = """
      {"schema": 1, "mechanism": "gaussian", "sampling": "poisson", "epsilon": 7.5, "delta": 1e-5, "noiseMultiplier": 0.9, "samplingRate": 0.02, "steps": 40, "clipNorm": 0.75}
      """
    try home.write(training.utf8, "trained/training.json")
    try home.write(try JSONSerialization.data(withJSONObject: ["record": record, "signature": "", "publicKey": ""]), "trained/privacy.json")
    let made = try manifest(try home.library.create(folder, GenomeDescription()))
    #expect(made.trainer == Manifest.Trainer(id: "trainer.dp-lora", version: "1.2.0"))
    #expect(made.metrics == [.init("tokens_per_second", 100), .init("validation_loss", 1.5)])
    #expect(
      made.privacy
        == Manifest.Privacy(
          epsilon: 7.5, delta: 1e-5, noiseMultiplier: 0.9, sampleRate: 0.02, steps: 40, clippingNorm: 0.75, mechanism: "gaussian", sampling: "poisson"))
  }

  @Test func aFullDifferenceIsAGenomeToo() throws {
    try home.write(Home.weights(seed: 3), "delta/delta.safetensors")
    var description = GenomeDescription()
    description.base = String(repeating: "ab", count: 32)
    let record = try home.library.create(home("delta"), description)
    #expect(record.kind == "full-delta" && record.files.map(\.name) == ["delta.safetensors"] && record.base == description.base)
  }

  @Test func aBaseOfSeveralFilesHasAHashOfAll() throws {
    try home.write("one".utf8, "sharded/model-00001-of-00002.safetensors")
    try home.write("two, longer".utf8, "sharded/model-00002-of-00002.safetensors")
    var bytes = Array("centram/base/1\0".utf8)
    for (name, content) in [("model-00001-of-00002.safetensors", "one"), ("model-00002-of-00002.safetensors", "two, longer")] {
      bytes += Array(name.utf8) + [0, 0, 0, 0, 0, 0, 0, 0, UInt8(content.utf8.count)] + SHA256.digest(of: Array(content.utf8))
    }
    let (folder, file) = (try BaseModelHash.of(home("sharded")), try BaseModelHash.of(home("sharded/model-00001-of-00002.safetensors")))
    #expect(folder == Hexadecimal.text(SHA256.digest(of: bytes)) && file == Hexadecimal.text(SHA256.digest(of: Array("one".utf8))))
    try home.write([], "empty/config.json")
    #expect(refusal { _ = try BaseModelHash.of(home("empty")) }?.code == .notFound)
  }

  @Test func parentsGetTheirSharesAndTheGenerationFollows() throws {
    let one = try home.genome(1), two = try home.genome(2)
    let child = try home.genome(3, parents: [(one.id, nil), (String(two.id.prefix(10)), 2500)])
    #expect(child.parents == [.init(id: one.id, basisPoints: 7500), .init(id: two.id, basisPoints: 2500)] && child.generation == 1)
    let grandchild = try home.genome(4, parents: [(one.id, nil), (two.id, nil), (child.id, nil)])
    #expect(grandchild.parents.map(\.basisPoints) == [3334, 3333, 3333] && grandchild.generation == 2)
    for (parents, words) in [([(one.id, Int?(4000)), (two.id, 5000)], "sum to 9000"), ([(one.id, 10_000), (two.id, nil)], "sum to 10000"), ([("0000", nil)], "no genome's id")] {
      let error = refusal { try home.genome(5, parents: parents) }
      #expect(error?.message.contains(words) == true, "\(String(describing: error))")
    }
  }

  @Test func parentsOfAMergeComeFromItsLineage() throws {
    let one = try home.genome(1), two = try home.genome(2)
    func lineage(_ hashes: [String]) -> String {
      let inputs = hashes.enumerated().map {
        #"{"reference": "in\#($0)", "path": "in", "files": [{"name": "adapter_model.safetensors", "bytes": \#(one.files[1].size), "hash_algorithm": "sha256", "hash": "\#($1)"}]}"#
      }
      return #"{"version": 1, "operator": {"id": "merge.lora-cat", "version": "1.0.0"}, "seed": 0, "inputs": [\#(inputs.joined(separator: ", "))], "outputs": []}"#
    }
    let folder = try home.adapter("merged", seed: 9)
    try home.write(lineage([one.files[1].hash, two.files[1].hash]).utf8, "merged/lineage.json")
    let child = try home.library.create(folder, GenomeDescription())
    #expect(child.parents == [.init(id: one.id, basisPoints: 5000), .init(id: two.id, basisPoints: 5000)])
    // Whoever merges with a stranger's adapter says so.
    let other = try home.adapter("other", seed: 10)
    try home.write(lineage([one.files[1].hash, String(repeating: "0", count: 64)]).utf8, "other/lineage.json")
    let error = refusal { _ = try home.library.create(other, GenomeDescription()) }
    #expect(error?.code == .usage && error?.message.contains("in1") == true && error?.message.contains("--no-parents") == true)
    var description = GenomeDescription()
    description.allowsUnnamedParents = true
    let orphan = try home.library.create(other, description)
    #expect(orphan.parents.isEmpty && orphan.generation == 0)
  }

  @Test func refusalsNameWhatIsMissing() throws {
    try home.genome(1)
    #expect(refusal { try home.genome(1) }?.code == .conflict)
    let folder = try home.adapter("broken", seed: 7)
    try home.write(Home.weights(seed: 7).dropLast(1), "broken/adapter_model.safetensors")
    #expect(refusal { _ = try home.library.create(folder, GenomeDescription()) }?.code == .malformed)
    try home.write("{}".utf8, "nothing/README.md")
    #expect(refusal { _ = try home.library.create(home("nothing"), GenomeDescription()) }?.message.contains("neither adapter_config.json nor delta.safetensors") == true)
    #expect(refusal { _ = try home.library.create(home("missing"), GenomeDescription()) }?.code == .notFound)
    try home.adapter("both", seed: 8)
    try home.write([], "both/delta.safetensors")
    #expect(refusal { _ = try home.library.create(home("both"), GenomeDescription()) }?.message.contains("a genome is one of them") == true)
    let nowhere = try home.adapter("nowhere", seed: 9, base: home("gone"))
    #expect(refusal { _ = try home.library.create(nowhere, GenomeDescription()) }?.code == .notFound)
    var description = GenomeDescription()
    description.domain = String(repeating: "d", count: 129)
    #expect(refusal { _ = try home.library.create(try home.adapter("long", seed: 11), description) }?.message.contains("domain has 129 bytes") == true)
    // Nothing of all this took a place in the log.
    let log = try home.store.log(of: home.library.author)
    #expect(log?.lastSequence == 1)
  }
}
