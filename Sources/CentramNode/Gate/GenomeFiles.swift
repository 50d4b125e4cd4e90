internal import CentramGenome
internal import CentramStore
internal import CentramWire
internal import Foundation

/// The parts of a genome as the gate judges them, from the store, a folder or a `.genome` file. Nothing of it was checked: that is the gate's to do.
public struct GenomeFiles: @unchecked Sendable {
  let manifest: [UInt8], signature: [UInt8], configuration: [UInt8]
  let weights: UnsafeRawBufferPointer
  /// Keeps the weights where they are.
  let mapping: AnyObject?
  /// What the manifest says of itself; nil where it cannot be read.
  var context: GateContext?

  /// Of the store, its weights mapped.
  /// - Throws: `.notFound` where a collection freed its files.
  init(_ record: GenomeRecord, in store: GenomeStore) throws(GenomePackageError) {
    guard store.hasFiles(record), let file = record.files.last else {
      throw GenomePackageError(.notFound, "\(record.id): its files are not here (the genome is \(record.state.rawValue)); import or fetch it again")
    }
    (manifest, signature, context) = (record.manifest, record.signature, GateContext(base: record.base, author: record.author))
    configuration =
      record.files.count > 1 ? try GenomePackageError.storing { () throws(StoreError) in try store.read(record.files[0].hash) } : []
    let mapping = try MappedFile(path: store.path(ofBlob: file.hash))
    (weights, self.mapping) = (mapping.bytes, mapping)
  }

  /// Of an adapter in memory that nobody signed, with a manifest that says what is known of it.
  init(manifest: [UInt8], configuration: [UInt8], weights: [UInt8], context: GateContext) {
    let owner = OwnedBytes(weights)
    (self.manifest, signature, self.configuration, self.context) = (manifest, [], configuration, context)
    (self.weights, mapping) = (owner.bytes, owner)
  }

  /// Of a folder or a `.genome` file.
  /// - Throws: `.notFound`; `.malformed` where there is no signed manifest, or no weights.
  public init(path: String) throws(GenomePackageError) {
    let source = try GenomeSource(path: path)
    let bytes = try source.bytes(SignedManifest.fileName, atMost: SignedManifest.maximumLength)
    guard let signed = try? WireSigned(serializedBytes: Data(bytes)) else {
      throw GenomePackageError(.malformed, "\(path): \(SignedManifest.fileName) is not a signed manifest")
    }
    (manifest, signature) = ([UInt8](signed.content), [UInt8](signed.signature))
    let said = try? Manifest(parsing: manifest)
    if let said, CentramGenome.Hexadecimal.text(signed.signer) != said.author {
      throw GenomePackageError(.malformed, "\(path): the manifest names the author \(said.author), and stands in a record of another key")
    }
    context = said.map { GateContext(base: $0.base, author: $0.author) }
    var kind = said?.kind
    if kind == nil { kind = try source.size(GenomeKind.adapter.weightsFile) == nil ? .fullDelta : .adapter }
    let isAdapter = kind == .adapter
    configuration = isAdapter ? try source.bytes(GenomeKind.configurationFile, atMost: Self.maximumConfiguration) : []
    let mapped = try source.mapped((isAdapter ? GenomeKind.adapter : .fullDelta).weightsFile)
    (weights, mapping) = (mapped.bytes, mapped.mapping)
  }

  /// More than any that the format layer takes.
  static let maximumConfiguration = 16 << 20
}
