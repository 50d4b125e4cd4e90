internal import Foundation
internal import GRDB

/// What other nodes attested. Whoever keeps it decides how much that is.
extension GenomeStore {
  /// Keeps what came and forgets what had to go for it, in one transaction: all of it is on the disk when this returns, or nothing.
  public func keep(_ attestations: [StoredAttestation], forgetting gone: [[UInt8]]) throws(StoreError) {
    guard !attestations.isEmpty || !gone.isEmpty else { return }
    try database.write { db in
      for attestation in attestations {
        try db.execute(
          sql: "INSERT INTO attestations (signature, signer, signed) VALUES (?, ?, ?) ON CONFLICT (signature) DO NOTHING",
          arguments: [Data(attestation.signature), attestation.signer, Data(attestation.signed)])
      }
      for signature in gone { try db.execute(sql: "DELETE FROM attestations WHERE signature = ?", arguments: [Data(signature)]) }
      reached(.attestationsWritten)
    }
    reached(.attestationsCommitted)
  }

  /// The newest, oldest first.
  public func attestations(limit: Int) throws(StoreError) -> [StoredAttestation] {
    try database.read { db in
      try Row.fetchAll(db, sql: "SELECT signature, signer, signed FROM attestations ORDER BY number DESC LIMIT ?", arguments: [max(0, limit)]).reversed().map {
        StoredAttestation(signature: try $0.bytes("signature"), signer: try $0.get("signer"), signed: try $0.bytes("signed"))
      }
    }
  }

  /// Forgets what a node attested.
  public func forgetAttestations(by signer: String) throws(StoreError) {
    try database.write { try $0.execute(sql: "DELETE FROM attestations WHERE signer = ?", arguments: [signer]) }
  }
}
