public import CentramGenome

/// A genome as it is sent: what its author signed, and the files.
public struct CorpusGenome: Sendable {
  public var manifest: [UInt8], signature: [UInt8], configuration: [UInt8], weights: [UInt8]
  public init(manifest: [UInt8], signature: [UInt8], configuration: [UInt8], weights: [UInt8]) {
    (self.manifest, self.signature, self.configuration, self.weights) = (manifest, signature, configuration, weights)
  }
  /// 32 bytes, of the files as they are.
  public var contentHash: [UInt8] { weights.withUnsafeBytes { ContentHash.of(configuration: configuration, weights: $0) } }
  public var id: String { Hexadecimal.text(contentHash) }
}

/// A genome before it is signed, so that a test can change any part of it.
public struct GenomeDraft: Sendable {
  public var key: CorpusKey
  public var kind = GenomeKind.adapter
  public var configuration: [UInt8]
  public var weights: [UInt8]
  public var base: String
  public var parents: [Manifest.Parent] = []
  public var recipe: Manifest.Recipe?
  public var generation = 0
  public var sequence: Int64 = 1
  public var previous: String?
  public var madeMilliseconds: Int64
  public var domain = "prose.english"
  public var privacy: Manifest.Privacy?

  /// The manifest that belongs to the files.
  public var manifest: Manifest {
    let files =
      (kind == .adapter ? [Manifest.File(name: GenomeKind.configurationFile, bytes: configuration)] : []) + [Manifest.File(name: kind.weightsFile, bytes: weights)]
    return Manifest(
      id: Hexadecimal.text(ContentHash.of(files)), base: base, kind: kind, files: files, parents: parents, recipe: recipe, generation: generation, author: key.hex,
      sequence: sequence, previous: previous, madeMilliseconds: madeMilliseconds, domain: domain, trainer: .init(id: "trainer.lora", version: "1.0.0"),
      metrics: [.init("loss", 1.25)], privacy: privacy, license: "CC-BY-4.0", agent: "gate-corpus/1")
  }

  public var id: String { manifest.id }

  /// Signs it.
  /// - Parameters:
  ///   - edit: changes the manifest before it is written.
  ///   - text: changes the manifest's text before it is signed, for what no writer writes.
  public func sealed(edit: (inout Manifest) -> Void = { _ in }, text: (String) -> String = { $0 }) -> CorpusGenome {
    var manifest = manifest
    edit(&manifest)
    guard let encoded = try? manifest.encoded() else { preconditionFailure("the draft's manifest is not one: \(manifest)") }
    let bytes = Array(text(String(decoding: encoded, as: UTF8.self)).utf8)
    return CorpusGenome(manifest: bytes, signature: key.sign(bytes), configuration: kind == .adapter ? configuration : [], weights: weights)
  }
}
