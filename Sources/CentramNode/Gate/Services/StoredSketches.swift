internal import CentramGenome
public import CentramPluginAPI
public import CentramStore

/// `centram.sketches/1` over the store, which keeps the node's secret too.
public struct StoredSketches: SketchService {
  private let store: GenomeStore
  public let key: [UInt8]

  static let keyName = "gate.sketch-key"
  static let keyLength = 32

  /// - Parameter random: makes the secret on first need.
  public init(store: GenomeStore, random: any RandomService) throws(GateError) {
    self.store = store
    do throws(StoreError) {
      key = try store.state(Self.keyName) {
        var bytes = [UInt8](repeating: 0, count: Self.keyLength)
        bytes.withUnsafeMutableBytes { random.fill($0) }
        return bytes
      }
    } catch { throw GateError(.storage, error.message) }
    guard key.count == Self.keyLength else { throw GateError(.storage, "\(store.folder): the secret of sketches has \(key.count) bytes, not \(Self.keyLength)") }
  }

  public func known(base: String, except contentHash: [UInt8], limit: Int) async throws(PluginError) -> [KnownUpdate] {
    try StoredLineage.reporting { () throws(StoreError) in
      try store.sketches(base: base, except: Hexadecimal.text(contentHash), limit: limit).map {
        KnownUpdate(id: $0.genome, author: $0.author, unixMilliseconds: $0.timeMilliseconds, sketch: $0.elements)
      }
    }
  }

  /// Of a genome's files; nil where they are not an update.
  func sketch(of files: GenomeFiles) -> [Float]? {
    guard let manifest = try? Manifest(parsing: files.manifest) else { return nil }
    switch manifest.kind {
    case .adapter: return (try? AdapterMatrices(configuration: files.configuration, weights: files.weights)).map { UpdateSketch($0, key: key).values }
    case .fullDelta: return (try? SafetensorsView(files.weights)).map { UpdateSketch(delta: $0, key: key).values }
    }
  }
}
