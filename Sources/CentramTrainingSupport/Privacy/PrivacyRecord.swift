public import CentramPluginAPI
internal import FoundationEssentials

/// What was done for privacy, for whoever judges the result. Nobody can verify another's record; it is signed, so that its
/// author stands for it.
public struct PrivacyRecord: Codable, Sendable, Equatable {
  public var schema = 1
  public var mechanism = "gaussian", sampling = "poisson", neighbours = "add or remove one sequence"
  public var trainer: String, trainerVersion: String
  /// Sequences of `length` tokens; one sequence is what is protected.
  public var sequences: Int, length: Int
  public var expectedBatch: Int, samplingRate: Double
  public var noiseMultiplier: Double, clipNorm: Double
  /// `given`, or `median of 64 gradients`, which the account does not cover.
  public var clipNormSource: String
  public var steps: Int
  public var delta: Double, epsilon: Double, order: Double
  public var accountant = PrivacyAccountant.version
  public var orders: [Double], divergences: [Double]
  /// SHA-256 of the data in hexadecimal, as the host states it.
  public var dataHash: String?
  public var frozen = "lora_A"

  public init(
    trainer: String, trainerVersion: String, sequences: Int, length: Int, expectedBatch: Int, samplingRate: Double, noiseMultiplier: Double, clipNorm: Double,
    clipNormSource: String, steps: Int, delta: Double, dataHash: String?
  ) throws(AccountingError) {
    (self.trainer, self.trainerVersion, self.sequences, self.length) = (trainer, trainerVersion, sequences, length)
    (self.expectedBatch, self.samplingRate, self.noiseMultiplier, self.clipNorm) = (expectedBatch, samplingRate, noiseMultiplier, clipNorm)
    (self.clipNormSource, self.steps, self.delta, self.dataHash) = (clipNormSource, steps, delta, dataHash)
    var accountant = PrivacyAccountant()
    accountant.compose(try SampledGaussian(samplingRate: samplingRate, noiseMultiplier: noiseMultiplier), steps: steps)
    (epsilon, order) = try accountant.epsilon(delta: delta)
    // JSON has no infinity: orders beyond double precision prove nothing and are left out.
    let usable = zip(accountant.orders, accountant.divergences).filter(\.1.isFinite)
    (orders, divergences) = (usable.map(\.0), usable.map(\.1))
  }

  /// What stands before the record's bytes where they are signed, so that a signature serves no other purpose.
  public static let signatureDomain = "centram.privacy-record/1\n"

  /// `{"record": "…", "signature": …, "publicKey": …}`: the record's exact bytes as a string, an Ed25519 signature over
  /// `signatureDomain` and these bytes in base64, and its key; both null where the host has no identity.
  public func signed(by identity: (any IdentityService)?) throws(PluginError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let bytes = try? encoder.encode(self) else { throw PluginError(.internalFailure, "the privacy record cannot be written as JSON") }
    var envelope = Envelope(record: String(decoding: bytes, as: UTF8.self))
    if let identity {
      envelope.signature = Data(try identity.sign(Array(Self.signatureDomain.utf8) + bytes)).base64EncodedString()
      envelope.publicKey = Data(identity.publicKey).base64EncodedString()
    }
    guard let text = try? encoder.encode(envelope) else { throw PluginError(.internalFailure, "the privacy record cannot be written as JSON") }
    return String(decoding: text, as: UTF8.self)
  }

  private struct Envelope: Encodable {
    var algorithm = "ed25519", domain = PrivacyRecord.signatureDomain
    var record: String
    var signature: String?, publicKey: String?
    init(record: String) { self.record = record }

    enum CodingKeys: CodingKey { case algorithm, domain, record, signature, publicKey }
    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(algorithm, forKey: .algorithm)
      try container.encode(domain, forKey: .domain)
      try container.encode(record, forKey: .record)
      try container.encode(signature, forKey: .signature)
      try container.encode(publicKey, forKey: .publicKey)
    }
  }
}
