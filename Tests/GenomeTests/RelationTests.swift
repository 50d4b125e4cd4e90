import CentramGenome
import GateCorpus
import Testing

@Suite struct RelationTests {
  private func refusal(_ edit: (inout Manifest) -> Void) -> GenomeError? {
    var manifest = fullManifest()
    edit(&manifest)
    let changed = manifest
    return thrown { () throws(GenomeError) in try changed.checkRelations() }
  }

  @Test func aWholeManifestFitsTogether() { #expect(refusal { _ in } == nil) }

  @Test func eachContradictionIsNamed() {
    let other = String(repeating: "c", count: 64)
    let contradictions: [(String, (inout Manifest) -> Void)] = [
      ("the hash of the content", { $0.id = other }), ("its parent", { $0.parents[0].id = $0.id }), ("stands twice", { $0.parents[1].id = $0.parents[0].id }),
      ("has the weight 0", { ($0.parents[0].weight, $0.parents[1].weight) = (10_000, 0) }), ("sum to 9999", { $0.parents[0].weight -= 1 }),
      ("sum to 10001", { $0.parents[0].weight += 1 }), ("no parents", { ($0.parents, $0.recipe) = ([], nil) }), ("generation is 0", { $0.generation = 0 }),
      ("a recipe", { ($0.parents, $0.generation) = ([], 0) }), ("previous is absent", { $0.previous = nil }), ("only the first", { $0.sequence = 1 }),
      ("the one before it", { $0.previous = $0.id }),
    ]
    for (sentence, edit) in contradictions {
      let error = refusal(edit)
      #expect(error?.code == .inconsistent && error?.message.contains(sentence) == true, "\(sentence): \(String(describing: error))")
    }
  }
}

@Suite struct HashTests {
  /// Worked out with Python's hashlib from the rule in docs/reference/genome.md.
  @Test func theContentHashIsThatOfAnotherImplementation() {
    let files = [Manifest.File(name: "adapter_config.json", bytes: Array("{}".utf8)), Manifest.File(name: "adapter_model.safetensors", bytes: Array("weights".utf8), chunkSize: 3)]
    #expect(Hexadecimal.text(ContentHash.of(files)) == "4fd0b5db4b4f8ff63693b34564149471ad8e1db2f4a5a7bf7fcc8ddb07c195a2")
    #expect(files[1].chunks == "c45c04f1f57777cfcb1d1018dd35ac6ae063093312ec78a907dd16ec5c01cb5f")
    let whole = Array("weights".utf8).withUnsafeBytes { ContentHash.of(configuration: Array("{}".utf8), weights: $0) }
    #expect(Hexadecimal.text(whole) == "4fd0b5db4b4f8ff63693b34564149471ad8e1db2f4a5a7bf7fcc8ddb07c195a2")
  }

  @Test func chunksCoverEveryByteOnce() {
    let bytes = (0..<10).map { UInt8($0) }
    for size in 1...11 {
      let hashes = bytes.withUnsafeBytes { ChunkHashes.of($0, size: size) }
      #expect(hashes == stride(from: 0, to: 10, by: size).map { SHA256.digest(of: Array(bytes[$0..<min(10, $0 + size)])) })
    }
    #expect([UInt8]().withUnsafeBytes { ChunkHashes.of($0, size: 4) }.isEmpty)
  }

  @Test func hexadecimalDigitsGoBothWays() {
    let bytes = (0...255).map { UInt8($0) }
    #expect(Hexadecimal.bytes(Hexadecimal.text(bytes)) == bytes)
    #expect(Hexadecimal.bytes("AbCd") == [0xab, 0xcd] && Hexadecimal.bytes("abc") == nil && Hexadecimal.bytes("zz") == nil)
    #expect(Hexadecimal.isDigest(String(repeating: "0", count: 64)) && !Hexadecimal.isDigest(String(repeating: "A", count: 64)))
  }

  @Test func aSignatureHoldsForItsBytesKeyAndDomainAlone() {
    let key = CorpusKey(1), text = Array("manifest".utf8), signature = key.sign(text)
    #expect(ManifestSignature.holds(signature, of: text, by: key.publicKey))
    #expect(!ManifestSignature.holds(signature, of: text + [0], by: key.publicKey))
    #expect(!ManifestSignature.holds(signature, of: text, by: CorpusKey(2).publicKey))
    #expect(!ManifestSignature.holds(key.sign(text, domain: Array("centram/1/auth\0".utf8)), of: text, by: key.publicKey))
    #expect(!ManifestSignature.holds(Array(signature.dropLast()), of: text, by: key.publicKey))
    #expect(!ManifestSignature.holds(signature, of: text, by: Array(key.publicKey.dropLast())))
    for bit in 0..<512 {
      var damaged = signature
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(!ManifestSignature.holds(damaged, of: text, by: key.publicKey), "bit \(bit)")
    }
  }
}
