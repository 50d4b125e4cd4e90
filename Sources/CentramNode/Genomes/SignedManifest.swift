public import CentramGenome
public import CentramStore
internal import CentramWire
internal import Foundation
internal import SwiftProtobuf

/// A manifest with its author's signature: the file `manifest` of a genome, a serialized `WireSigned`. There is none that was not checked.
public struct SignedManifest: Sendable, Equatable {
  public let manifest: Manifest
  /// The manifest's bytes as signed, and the signature of 64 bytes.
  public let content: [UInt8], signature: [UInt8]
  /// The file.
  public let bytes: [UInt8]

  public static let fileName = "manifest"
  /// The manifest's own limit, and room for key, signature and lengths.
  public static let maximumLength = Manifest.maximumLength + 256
  /// Of one file: as many hashes as a peer is told.
  public static let maximumChunks = 8192

  /// Reads and checks one: format, signature, and that its values fit together.
  /// - Parameter name: what errors call it.
  public init(bytes: [UInt8], name: String) throws(GenomePackageError) {
    guard bytes.count <= Self.maximumLength else {
      throw GenomePackageError(.malformed, "\(name): \(bytes.count) bytes; a signed manifest has at most \(Self.maximumLength)")
    }
    let signed: WireSigned
    do { signed = try WireSigned(serializedBytes: Data(bytes)) } catch { throw GenomePackageError(.malformed, "\(name): not a signed manifest") }
    let author: NodeKey
    do throws(WireError) { author = try signed.verified(domain: .genome) } catch { throw GenomePackageError(.signature, "\(name): \(error.message)") }
    (content, signature, self.bytes) = ([UInt8](signed.content), [UInt8](signed.signature), bytes)
    do throws(GenomeError) {
      manifest = try Manifest(parsing: content)
      try manifest.checkRelations()
    } catch { throw GenomePackageError(error, in: name) }
    guard manifest.author == author.description else {
      throw GenomePackageError(.signature, "\(name): the manifest names the author \(manifest.author), but \(author) signed it")
    }
    for file in manifest.files where Self.chunkCount(file.size, file.chunkSize) > Self.maximumChunks {
      throw GenomePackageError(
        .malformed, "\(name): \(file.name) has \(Self.chunkCount(file.size, file.chunkSize)) chunks of \(file.chunkSize) bytes; \(Self.maximumChunks) are allowed")
    }
    guard manifest.files.map(\.name) == manifest.kind.files else {
      throw GenomePackageError(
        .malformed,
        "\(name): it names the files \(manifest.files.map(\.name).joined(separator: ", ")); of the kind \(manifest.kind.rawValue) are \(manifest.kind.files.joined(separator: ", "))"
      )
    }
  }

  /// Signs a manifest, whose author must be the key's.
  init(_ manifest: Manifest, by key: SigningKey) throws(GenomePackageError) {
    let content: [UInt8]
    do throws(GenomeError) { content = try manifest.encoded() } catch { throw GenomePackageError(error, in: Self.fileName) }
    try self.init(bytes: try Self.serialized(WireSigned(content: content, by: key, domain: .genome)), name: Self.fileName)
  }

  static func chunkCount(_ size: Int64, _ chunkSize: Int) -> Int64 { (size + Int64(chunkSize) - 1) / Int64(chunkSize) }

  /// The standard size, or the largest from 8 MiB on: a chunk costs two frames that are signed and checked, whatever its size.
  static func chunkSize(for size: Int) -> Int { size < 8 << 20 ? Manifest.standardChunkSize : Manifest.maximumChunkSize }

  /// From what the store keeps.
  init(_ record: GenomeRecord) throws(GenomePackageError) {
    var signed = WireSigned()
    (signed.content, signed.signer, signed.signature) = (Data(record.manifest), Data(Hexadecimal.bytes(record.author.utf8) ?? []), Data(record.signature))
    try self.init(bytes: try Self.serialized(signed), name: "genome \(record.id)")
  }

  static func serialized(_ signed: WireSigned) throws(GenomePackageError) -> [UInt8] {
    do { return try signed.serializedBytes() } catch { throw GenomePackageError(.malformed, "a signed record cannot be encoded: \(error)") }
  }

  /// What the store keeps of it.
  public func record(_ state: GenomeState, now: Int64) -> GenomeRecord {
    GenomeRecord(
      id: manifest.id, base: manifest.base, author: manifest.author, sequence: UInt64(manifest.sequence), previous: manifest.previous,
      parents: manifest.parents.map { .init(id: $0.id, basisPoints: $0.weight) }, generation: manifest.generation, domain: manifest.domain, kind: manifest.kind.rawValue,
      madeMilliseconds: manifest.madeMilliseconds, files: manifest.files.map { .init(name: $0.name, hash: $0.sha256, size: Int($0.size)) }, manifest: content,
      signature: signature, state: state, stateMilliseconds: now)
  }
}
