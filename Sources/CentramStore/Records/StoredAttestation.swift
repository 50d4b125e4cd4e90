/// What another node attested.
public struct StoredAttestation: Sendable, Equatable {
  /// 64 bytes.
  public var signature: [UInt8]
  /// 64 hexadecimal digits.
  public var signer: String
  /// The whole message `Signed`.
  public var signed: [UInt8]
  public init(signature: [UInt8], signer: String, signed: [UInt8]) { (self.signature, self.signer, self.signed) = (signature, signer, signed) }
}
