internal import CentramWire
internal import Foundation

/// Making and checking of KeyRotation messages.
enum KeyRotation {
  /// Longest time for which the old key may still be taken.
  static let longestGrace: UInt32 = 604_800_000

  static func message(from old: SigningKey, to new: SigningKey, number: UInt32, effective: UInt64, grace: UInt32, isCompromised: Bool) throws(SessionError) -> WireKeyRotation {
    var statement = WireKeyRotationStatement()
    (statement.oldKey, statement.newKey) = (Data(old.publicKey.bytes), Data(new.publicKey.bytes))
    (statement.number, statement.effectiveMs, statement.graceMs, statement.compromised) = (number, effective, isCompromised ? 0 : grace, isCompromised)
    guard let encoded = try? statement.serializedData() else { throw SessionError(.malformed, "the rotation could not be encoded") }
    var message = WireKeyRotation()
    message.statement = encoded
    message.oldSignature = Data(old.sign(encoded, domain: .rotation))
    message.newSignature = Data(new.sign(encoded, domain: .rotation))
    return message
  }

  /// - Returns: what both keys signed.
  /// - Throws: `.identity` where a key does not stand for it, `.malformed` where it is none.
  static func check(_ message: WireKeyRotation) throws(SessionError) -> KeyLinks.Link {
    guard let statement = try? WireKeyRotationStatement(serializedBytes: message.statement), let old = NodeKey([UInt8](statement.oldKey)),
      let new = NodeKey([UInt8](statement.newKey)), statement.number > 0, statement.graceMs <= longestGrace, statement.effectiveMs < 1 << 62
    else { throw SessionError(.malformed, "the statement of a rotation cannot be read") }
    guard old != new, old != .anyone, new != .anyone else { throw SessionError(.identity, "a rotation leads from no key to another") }
    let content = [UInt8](message.statement)
    guard Signature.holds(message.oldSignature, of: content, domain: .rotation, by: old), Signature.holds(message.newSignature, of: content, domain: .rotation, by: new) else {
      throw SessionError(.identity, "one of the two keys did not sign the rotation")
    }
    return KeyLinks.Link(
      old: old.bytes, new: new.bytes, number: statement.number, effective: statement.effectiveMs, end: statement.effectiveMs + UInt64(statement.graceMs),
      message: (try? [UInt8](message.serializedData())) ?? [])
  }
}
