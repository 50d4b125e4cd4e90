internal import CentramGenome
package import CentramNode
package import CentramStore
internal import CentramWire
internal import Foundation

/// A node's genomes in a folder, and genomes made up from numbers. Their weights are no tensors: nothing of an exchange reads them.
package final class SampleHome: Sendable {
  package let store: GenomeStore
  package let library: GenomeLibrary
  private let seed: [UInt8]
  private let now: @Sendable () -> Int64

  /// - Parameter seed: 32 bytes of the node's key.
  package init(_ folder: String, seed: [UInt8], options: GenomeStore.Options = .init(), now: @escaping @Sendable () -> Int64) throws {
    store = try GenomeStore(folder: folder, options: options)
    (self.seed, self.now) = (seed, now)
    library = GenomeLibrary(store: store, identity: NodeIdentity(seed: seed), now: now)
  }

  package static let base = hash("base")
  package static func hash(_ text: String) -> String { Hexadecimal.text(SHA256.digest(of: Array(text.utf8))) }

  package struct Draft: Sendable {
    /// Bytes of the weights, all of which depend on the number.
    package var size = 700
    package var chunkSize = 256
    package var base = SampleHome.base
    package var domain = "text", license = "CC0-1.0"
    package var lift = 0.1
    package var parents: [GenomeRecord] = []
    /// Place in the log; nil: the next.
    package var sequence: Int64?
    package init() {}
  }

  package static func weights(_ number: Int, size: Int) -> [UInt8] {
    var state = UInt64(truncatingIfNeeded: number) &* 0x9E37_79B9_7F4A_7C15 | 1
    var bytes = [UInt8](repeating: 0, count: size)
    bytes.withUnsafeMutableBytes { buffer in
      for start in stride(from: 0, to: size, by: 8) {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let word = state ^ state >> 29
        withUnsafeBytes(of: word) { UnsafeMutableRawBufferPointer(rebasing: buffer[start..<min(size, start + 8)]).copyBytes(from: $0.prefix(min(8, size - start))) }
      }
    }
    return bytes
  }

  /// A signed genome of this home's key, not recorded.
  package func signed(_ number: Int, _ draft: Draft = Draft(), sequence: Int64, previous: String?) throws -> (manifest: SignedManifest, files: [[UInt8]]) {
    let configuration = Array("{\"r\":4}".utf8), weights = Self.weights(number, size: draft.size)
    let files = [
      Manifest.File(name: "adapter_config.json", bytes: configuration, chunkSize: draft.chunkSize),
      Manifest.File(name: "adapter_model.safetensors", bytes: weights, chunkSize: draft.chunkSize),
    ]
    let key = try SigningKey(seed: seed), count = draft.parents.count
    let manifest = Manifest(
      id: Hexadecimal.text(ContentHash.of(files)), base: draft.base, kind: .adapter, files: files,
      parents: draft.parents.enumerated().map { .init(id: $1.id, weight: 10_000 / count + ($0 == 0 ? 10_000 % count : 0)) },
      generation: (draft.parents.map(\.generation).max() ?? -1) + 1, author: library.author, sequence: sequence, previous: previous, madeMilliseconds: now(),
      domain: draft.domain, trainer: .init(id: "trainer.sample", version: "1"), metrics: [.init("lift", draft.lift)], license: draft.license, agent: "sample")
    let bytes: [UInt8] = try WireSigned(content: try manifest.encoded(), by: key, domain: .genome).serializedBytes()
    return (try SignedManifest(bytes: bytes, name: "manifest"), [configuration, weights])
  }

  /// Makes the next genome of this home.
  @discardableResult package func make(_ number: Int, _ draft: Draft = Draft()) throws -> GenomeRecord {
    let last = try store.log(of: library.author)
    let made = try signed(number, draft, sequence: Int64((last?.lastSequence ?? 0) + 1), previous: last?.lastID)
    for bytes in made.files { _ = try store.put(bytes, now: now()) }
    try store.remember(
      zip(made.manifest.manifest.files, made.files).map { file, bytes in
        bytes.withUnsafeBytes { ChunkHashing($0, chunkSize: file.chunkSize) }.list(of: file.sha256)
      })
    let record = made.manifest.record(.own, now: now())
    return try store.append(record.id, author: record.author) { (_) throws(StoreError) in (record, made.manifest.bytes) }
  }

  package func states() throws -> [String: GenomeState] { Dictionary(uniqueKeysWithValues: try store.genomes().map { ($0.id, $0.state) }) }
}
