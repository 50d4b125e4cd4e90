public import SwiftProtobuf

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension WireSigned {
  /// Signs a record, encoding it this once.
  /// - Throws: `invalidField` where a field of it breaks its rule.
  public init(_ record: some SwiftProtobuf.Message, by key: SigningKey, domain: SigningDomain) throws(WireError) {
    self.init(content: try record.written([UInt8].self), by: key, domain: domain)
  }

  /// Signs bytes as they are.
  public init(content: [UInt8], by key: SigningKey, domain: SigningDomain) {
    self.init()
    self.content = Data(content)
    signer = Data(key.publicKey.bytes)
    signature = Data(key.sign(content, domain: domain))
  }

  /// Who signed.
  /// - Throws: `badKey`, `badSignature`.
  public func verified(domain: SigningDomain) throws(WireError) -> NodeKey {
    guard let key = NodeKey(signer) else { throw WireError(.badKey, "a signer's key has 32 bytes, not \(signer.count)") }
    guard Signature.holds(signature, of: content, domain: domain, by: key) else {
      throw WireError(.badSignature, "the signature is not that of \(key) with domain \(String(decoding: domain.bytes.dropLast(), as: UTF8.self))")
    }
    return key
  }

  /// The record, after its signature was found to hold, and who signed it. Whether the signer may sign it is for the caller to check.
  /// - Throws: `badKey`, `badSignature`, `malformedMessage`, `invalidField`.
  public func opened<M: SwiftProtobuf.Message>(_: M.Type = M.self, domain: SigningDomain) throws(WireError) -> (record: M, signer: NodeKey) {
    let key = try verified(domain: domain)
    let bytes = [UInt8](content)
    let result: Result<M, WireError> = bytes.withUnsafeBytes { bytes in do throws(WireError) { return .success(try M.read(bytes)) } catch { return .failure(error) } }
    return (try result.get(), key)
  }
}
