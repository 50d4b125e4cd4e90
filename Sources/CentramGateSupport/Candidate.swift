public import CentramGenome
public import CentramPluginAPI

extension GenomeCandidate {
  /// What the author signed, read.
  /// - Throws: `.invalid`. `gate.format` says more of what is wrong; a layer that runs without it refuses all the same.
  public func openedManifest() throws(PluginError) -> Manifest {
    do throws(GenomeError) { return try Manifest(parsing: manifest) } catch { throw PluginError(.invalid, error.message) }
  }

  /// The files by the names that the manifest must give them, in its order.
  public func files(of kind: GenomeKind) -> [(name: String, bytes: UnsafeRawBufferPointer?)] {
    switch kind {
    // Nil stands for the configuration, which is an array of its own.
    case .adapter: [(GenomeKind.configurationFile, nil), (kind.weightsFile, weights)]
    case .fullDelta: [(kind.weightsFile, weights)]
    }
  }
}

extension HostServices {
  /// A service that a layer cannot judge without.
  /// - Throws: `.unavailable`, which counts as a refusal.
  public func required<Service>(_ id: String, for layer: String, as type: Service.Type = Service.self) throws(PluginError) -> Service {
    guard let service = service(id) as? Service else {
      throw PluginError(.unavailable, "\(layer) cannot judge without the host's service \(id); run it in a node that offers it")
    }
    return service
  }
}

/// Ends a judgement from inside of its steps.
public struct Refusal: Error, Sendable {
  public let decision: Verdict.Decision
  public static func reject(_ reason: String) -> Refusal { Refusal(decision: .reject(reason: reason)) }
  public static func quarantine(_ reason: String) -> Refusal { Refusal(decision: .quarantine(reason: reason)) }
}

/// Evidence as it comes together.
public struct Findings: Sendable {
  public private(set) var evidence: [Verdict.Evidence] = []
  public init() {}
  public mutating func add(_ name: String, _ value: some CustomStringConvertible) { evidence.append(.init(name, "\(value)")) }
  public func verdict(_ decision: Verdict.Decision) -> Verdict { Verdict(decision, evidence: evidence) }
}

/// The first digits of an id or a key, for sentences.
public func short(_ hex: String) -> String { hex.count > 12 ? "\(hex.prefix(12))…" : hex }
