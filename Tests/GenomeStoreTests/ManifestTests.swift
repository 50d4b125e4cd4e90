import CentramGenome
import CentramNode
import CentramStore
import CentramWire
import Foundation
import SwiftProtobuf
import Testing

/// Manifests that are rightly signed and wrong all the same.
@Suite struct ManifestTests {
  let home: Home
  let manifest: Manifest
  let key: SigningKey

  init() throws {
    home = try Home()
    key = try SigningKey(seed: [UInt8](repeating: 1, count: 32))
    manifest = try Manifest(parsing: try home.genome().manifest)
  }

  private func sign(_ manifest: Manifest, by key: SigningKey, domain: SigningDomain = .genome) throws -> [UInt8] {
    let signed = WireSigned(content: try manifest.encoded(), by: key, domain: domain)
    return try signed.serializedBytes()
  }

  private func refused(_ bytes: [UInt8]) -> GenomePackageError? { refusal { _ = try SignedManifest(bytes: bytes, name: "manifest") } }

  @Test func aManifestHoldsForItsAuthorAndItsPurposeAlone() throws {
    #expect(refused(try sign(manifest, by: key)) == nil)
    let other = try SigningKey(seed: [UInt8](repeating: 2, count: 32))
    let error = refused(try sign(manifest, by: other))
    #expect(error?.code == .signature && error?.message.contains("names the author") == true)
    #expect(refused(try sign(manifest, by: key, domain: .verdict))?.code == .signature)
  }

  @Test func valuesThatDoNotFitTogetherAreRefused() throws {
    var wrongID = manifest, noPrevious = manifest, wrongFiles = manifest
    wrongID.id = String(repeating: "0", count: 64)
    noPrevious.sequence = 2
    wrongFiles.files.removeFirst()
    wrongFiles.id = Hexadecimal.text(wrongFiles.contentHash)
    for (manifest, words) in [(wrongID, "the hash of the content"), (noPrevious, "previous is absent"), (wrongFiles, "of the kind adapter are")] {
      let error = refused(try sign(manifest, by: key))
      #expect(error?.code == .malformed && error?.message.contains(words) == true, "\(String(describing: error))")
    }
  }

  @Test func aFileHasAsManyChunksAsAllowedAndNotOneMore() throws {
    for (size, isRefused) in [(8192, false), (8193, true)] as [(Int64, Bool)] {
      var changed = manifest
      (changed.files[1].size, changed.files[1].chunkSize) = (size, 1)
      changed.id = Hexadecimal.text(changed.contentHash)
      let error = refused(try sign(changed, by: key))
      #expect((error?.message.contains("8193 chunks of 1 bytes; 8192 are allowed") == true) == isRefused && (error == nil) != isRefused)
    }
  }

  @Test func aWrongHashOfChunksIsFound() throws {
    var changed = manifest
    changed.files[1].chunks = String(repeating: "0", count: 64)
    try home.library.export(try home.library.genome(manifest.id), to: home("out"))
    try home.write(try sign(changed, by: key), "out/manifest")
    let error = refusal { _ = try GenomeLibrary.verify(home("out")) }
    #expect(error?.code == .malformed && error?.message.contains("hash of the chunks of adapter_model.safetensors") == true)
  }
}
