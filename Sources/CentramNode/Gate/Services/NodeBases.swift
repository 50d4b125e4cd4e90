internal import CKernels
internal import CentramGenome
internal import CentramModel
public import CentramPluginAPI
public import CentramStore
internal import Foundation
internal import Synchronization

/// `centram.base/1`: the base models of this node, by their hash. A model is hashed and its header read when somebody first asks; its norms are computed
/// once and kept in the store.
public final class NodeBases: BaseModelService {
  struct Base: Sendable {
    let path: String, hash: String
    let weights: any WeightSource
    let parameters: [BaseParameter]
  }

  private struct State {
    /// Paths that were not looked at yet.
    var pending: [String]
    var bases: [String: Base] = [:]
    var norms: [String: [String: Double]] = [:]
  }

  private let state: Mutex<State>
  private let store: GenomeStore
  private let hashCache: String?
  private let log: @Sendable (LogLevel, String) -> Void

  /// - Parameters:
  ///   - paths: folders of safetensors files, or single weights files.
  ///   - hashCache: a file that remembers hashes of files that did not change; nil: none.
  ///   - log: gets a line for each path that is no base model.
  public init(paths: [String], store: GenomeStore, hashCache: String? = nil, log: @escaping @Sendable (LogLevel, String) -> Void = { _, _ in }) {
    state = Mutex(State(pending: paths.reversed()))
    (self.store, self.hashCache, self.log) = (store, hashCache, log)
  }

  public func parameters(ofBase hash: String) async throws(PluginError) -> [BaseParameter]? { base(hash)?.parameters }

  /// Where a base lies; nil where this node does not run it.
  public func path(ofBase hash: String) -> String? { base(hash)?.path }

  /// Hashes of all bases, sorted. Reads every file that was not hashed before.
  public var hashes: [String] {
    while openNext() {}
    return state.withLock { $0.bases.keys.sorted() }
  }

  /// Frobenius norm of a parameter of a base, by its name without `.weight`; nil where there is none.
  func norm(_ module: String, ofBase hash: String) throws(PluginError) -> Double? {
    if let norms = state.withLock({ $0.norms[hash] }) { return norms[module] }
    guard let base = base(hash) else { return nil }
    var norms = try keptNorms(hash) ?? [:]
    if norms.isEmpty { norms = try computeNorms(base) }
    state.withLock { [norms] in $0.norms[hash] = norms }
    return norms[module]
  }

  private func base(_ hash: String) -> Base? {
    repeat { if let base = state.withLock({ $0.bases[hash] }) { return base } } while openNext()
    return nil
  }

  /// Hashing takes a while and happens outside of the lock; a path that two tasks take up at once is only read twice.
  private func openNext() -> Bool {
    guard let path = state.withLock({ $0.pending.last }) else { return false }
    var base: Base?
    do throws(GenomePackageError) { base = try Self.open(path, hash: try BaseModelHash.of(path, cache: hashCache)) } catch {
      log(.warning, "\(path) is not used as a base model: \(error.message)")
    }
    state.withLock { state in
      state.pending.removeAll { $0 == path }
      if let base { state.bases[base.hash] = base }
    }
    return true
  }

  private static func open(_ path: String, hash: String) throws(GenomePackageError) -> Base {
    do throws(ModelFileError) {
      // A checkpoint whose configuration nobody here runs still has names, shapes and norms.
      let weights: any WeightSource = path.hasSuffix(".gguf") ? try ModelFiles(path: path).weights : CheckpointWeights(try Checkpoint(path: path))
      let parameters = weights.tensorNames.compactMap { name in weights.shape(name).map { BaseParameter(name: name, shape: $0) } }
      return Base(path: path, hash: hash, weights: weights, parameters: parameters)
    } catch { throw GenomePackageError(.malformed, error.message) }
  }

  // MARK: Norms

  private struct Norms: Codable {
    var version = 1
    var norms: [String: Double]
  }

  private func keptNorms(_ hash: String) throws(PluginError) -> [String: Double]? {
    let kept = try StoredLineage.reporting { () throws(StoreError) in try store.state("gate.base-norms.\(hash)") }
    guard let kept, let norms = try? JSONDecoder().decode(Norms.self, from: Data(kept)), norms.version == 1 else { return nil }
    return norms.norms
  }

  private func computeNorms(_ base: Base) throws(PluginError) -> [String: Double] {
    var norms: [String: Double] = [:]
    for parameter in base.parameters {
      let name = parameter.name.hasSuffix(".weight") ? String(parameter.name.dropLast(7)) : parameter.name
      do throws(ModelFileError) {
        if parameter.shape.count == 2, let matrix = try base.weights.matrix(parameter.name) {
          norms[name] = Self.norm(matrix)
        } else if parameter.shape.count == 1, let vector = try base.weights.vector(parameter.name) {
          norms[name] = ck_dot(vector, vector, nil, vector.count).squareRoot()
        }
      } catch { throw PluginError(.unavailable, "the norms of \(base.path): \(error.message)") }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    // A base whose norms are not finite is refused by the layer that asks, each time.
    if norms.values.allSatisfy(\.isFinite), let text = try? encoder.encode(Norms(norms: norms)) {
      try StoredLineage.reporting { () throws(StoreError) in try store.setState([UInt8](text), "gate.base-norms.\(base.hash)") }
    }
    return norms
  }

  /// Some rows at a time, so that memory stays small.
  private static func norm(_ matrix: WeightMatrix) -> Double {
    let step = max(1, (1 << 20) / max(1, matrix.columns))
    var sum = 0.0
    for start in stride(from: 0, to: matrix.rows, by: step) {
      let floats = matrix.floats(rows: start..<min(start + step, matrix.rows))
      sum += ck_dot(floats, floats, nil, floats.count)
    }
    return sum.squareRoot()
  }
}
