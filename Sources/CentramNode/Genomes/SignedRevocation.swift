internal import CentramGenome
public import CentramStore
internal import CentramWire
internal import Foundation
internal import SwiftProtobuf

/// A revocation with its author's signature, as it travels. There is none that was not checked.
public struct SignedRevocation: Sendable, Equatable {
  public enum Reason: String, Sendable, CaseIterable { case unspecified, harmful, privacy, license, keyCompromised = "key-compromised", superseded }

  public let genome: String, author: String
  public let reason: Reason
  public let madeMilliseconds: Int64
  public let replacement: String?
  public let message: String
  /// A serialized `WireSigned`.
  public let bytes: [UInt8]

  public static let maximumLength = 16 << 10
  /// Bytes of `message`.
  public static let maximumMessage = 1024

  /// - Throws: `.malformed`, `.signature`.
  public init(bytes: [UInt8]) throws(GenomePackageError) {
    guard bytes.count <= Self.maximumLength else { throw GenomePackageError(.malformed, "a revocation of \(bytes.count) bytes; \(Self.maximumLength) are allowed") }
    guard let signed = try? WireSigned(serializedBytes: Data(bytes)) else { throw GenomePackageError(.malformed, "not a signed revocation") }
    let record: WireRevocationRecord, signer: NodeKey
    do throws(WireError) { (record, signer) = try signed.opened(domain: .revocation) } catch {
      throw GenomePackageError(error.code == .badSignature || error.code == .badKey ? .signature : .malformed, "the revocation: \(error.message)")
    }
    (genome, author, madeMilliseconds) = (Hexadecimal.text(record.genome), Hexadecimal.text(record.author), Int64(clamping: record.madeMs))
    guard author == signer.description else { throw GenomePackageError(.signature, "the revocation of \(genome) names the author \(author), but \(signer) signed it") }
    reason = Self.reasons.first { $0.wire == record.reason }?.reason ?? .unspecified
    (replacement, message, self.bytes) = (record.replacement.isEmpty ? nil : Hexadecimal.text(record.replacement), record.message, bytes)
  }

  init(of genome: String, reason: Reason, message: String, replacement: String?, madeMilliseconds: Int64, by key: SigningKey) throws(GenomePackageError) {
    var record = WireRevocationRecord()
    (record.genome, record.author) = (Data(Hexadecimal.bytes(genome.utf8) ?? []), Data(key.publicKey.bytes))
    (record.reason, record.madeMs, record.message) = (Self.reasons.first { $0.reason == reason }?.wire ?? .unspecified, UInt64(max(1, madeMilliseconds)), message)
    if let replacement { record.replacement = Data(Hexadecimal.bytes(replacement.utf8) ?? []) }
    let signed: WireSigned
    do throws(WireError) { signed = try WireSigned(record, by: key, domain: .revocation) } catch { throw GenomePackageError(.usage, error.message) }
    try self.init(bytes: try SignedManifest.serialized(signed))
  }

  /// What the store keeps: the genome, and the key where it is in others' hands.
  public func entries(now: Int64) -> [RevocationEntry] {
    let own = RevocationEntry(scope: .genome, subject: genome, signer: author, signed: bytes, timeMilliseconds: now)
    return reason == .keyCompromised ? [own, RevocationEntry(scope: .key, subject: author, signer: author, signed: bytes, timeMilliseconds: now)] : [own]
  }

  private static let reasons: [(reason: Reason, wire: WireRevocationReason)] = [
    (.unspecified, .unspecified), (.harmful, .harmful), (.privacy, .privacy), (.license, .license), (.keyCompromised, .keyCompromised), (.superseded, .superseded),
  ]
}

extension GenomeLibrary {
  /// Takes a genome of this node back.
  /// - Returns: the signed revocation, and the ids whose state changed.
  /// - Throws: `.conflict` for another's genome.
  public func revoke(_ record: GenomeRecord, reason: SignedRevocation.Reason, message: String = "", replacement: GenomeRecord? = nil) throws(GenomePackageError) -> (
    revocation: SignedRevocation, changed: [String]
  ) {
    guard record.author == author else {
      throw GenomePackageError(.conflict, "\(record.id): its author is \(record.author), and only an author takes a genome back; what this node makes of it is the gate's to say")
    }
    guard message.utf8.count <= SignedRevocation.maximumMessage else {
      throw GenomePackageError(.usage, "the message has \(message.utf8.count) bytes; \(SignedRevocation.maximumMessage) are allowed")
    }
    let revocation = try SignedRevocation(of: record.id, reason: reason, message: message, replacement: replacement?.id, madeMilliseconds: now(), by: try key)
    return (revocation, try receive(revocation))
  }

  /// Records a revocation, of whomever: the genome becomes `revoked`, here now or later, and what descends from it is kept aside.
  /// - Returns: the ids whose state changed.
  public func receive(_ revocation: SignedRevocation) throws(GenomePackageError) -> [String] {
    var changed = Set<String>()
    for entry in revocation.entries(now: now()) { changed.formUnion(try GenomePackageError.storing { () throws(StoreError) in try store.revoke(entry) }) }
    return changed.sorted()
  }
}
