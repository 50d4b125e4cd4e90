public import CentramGenome
public import CentramPluginAPI

extension GenomeCandidate {
  /// What the author signed, read.
  /// - Throws: `.invalid`. `gate.format` says more of what is wrong; a layer that runs without it refuses all the same.
  public func openedManifest() throws(PluginError) -> Manifest {
    do throws(GenomeError) { return try Manifest(parsing: manifest) } catch { throw PluginError(.invalid, error.message) }
  }

  /// The bytes of a file that the manifest names; nil where a genome of that kind has none of that name.
  public func withFile<Result>(_ name: String, of kind: GenomeKind, _ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
    guard kind.files.contains(name) else { return nil }
    return name == kind.weightsFile ? body(weights) : adapterConfiguration.withUnsafeBytes { body($0) }
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

/// Evidence as it comes together.
public struct Findings: Sendable {
  public private(set) var evidence: [Verdict.Evidence] = []
  public init() {}
  public mutating func add(_ name: String, _ value: some CustomStringConvertible) { evidence.append(.init(name, "\(value)")) }
  public func verdict(_ decision: Verdict.Decision) -> Verdict { Verdict(decision, evidence: evidence) }
}

/// Three digits behind the point, for sentences.
public func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }

/// The first digits of an id or a key, for sentences.
public func short(_ hex: String) -> String { hex.count > 12 ? "\(hex.prefix(12))…" : hex }
