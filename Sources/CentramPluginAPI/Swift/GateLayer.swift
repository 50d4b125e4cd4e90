// SPDX-License-Identifier: Apache-2.0

@frozen public enum GateDirection: Int32, Sendable {
  /// Before a genome is merged.
  case inbound = 1
  /// Before one leaves the node.
  case outbound
}

public struct GateLayerInfo: Sendable {
  /// 1 to 10 for the ten layers; a larger number runs later.
  public var position: Int
  public var directions: Set<GateDirection>
  public var parameters: [ParameterSpecification]
  public init(position: Int, directions: Set<GateDirection> = [.inbound], parameters: [ParameterSpecification] = []) {
    (self.position, self.directions, self.parameters) = (position, directions, parameters)
  }
}

/// A pure judgement: candidate and context in, verdict out. What it must know of the node it asks of the services
/// that it was made with. A layer that throws counts as a refusal.
public protocol GateLayer: Sendable {
  var info: GateLayerInfo { get }
  func judge(_ candidate: GenomeCandidate) async throws(PluginError) -> Verdict
}

/// A genome to judge. The weights are lent until `judge` returns.
public struct GenomeCandidate: @unchecked Sendable {
  public let direction: GateDirection
  /// SHA-256, 32 bytes.
  public let contentHash: [UInt8]
  /// The bytes as signed, never encoded again.
  public let manifest: [UInt8]
  /// Ed25519, 64 bytes.
  public let manifestSignature: [UInt8]
  /// `adapter_config.json`; empty for a full delta.
  public let adapterConfiguration: [UInt8]
  /// The safetensors file.
  public let weights: UnsafeRawBufferPointer
  /// The layer's settings, a JSON object.
  public let policyJSON: String

  public init(
    direction: GateDirection, contentHash: [UInt8], manifest: [UInt8], manifestSignature: [UInt8],
    adapterConfiguration: [UInt8], weights: UnsafeRawBufferPointer, policyJSON: String = "{}"
  ) {
    (self.direction, self.contentHash, self.manifest) = (direction, contentHash, manifest)
    (self.manifestSignature, self.adapterConfiguration) = (manifestSignature, adapterConfiguration)
    (self.weights, self.policyJSON) = (weights, policyJSON)
  }
}

/// What a layer says, with what it rests on.
public struct Verdict: Sendable, Equatable {
  public enum Decision: Sendable, Equatable {
    case accept
    /// Merge it, but with its update times `factor`, in (0, 1].
    case scale(factor: Double, reason: String)
    /// Keep it aside until more is known.
    case quarantine(reason: String)
    case reject(reason: String)
  }

  /// A finding that a person can read.
  public struct Evidence: Sendable, Equatable {
    public var name: String, value: String
    public init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
  }

  public var decision: Decision
  public var evidence: [Evidence]
  public init(_ decision: Decision, evidence: [Evidence] = []) { (self.decision, self.evidence) = (decision, evidence) }
}
