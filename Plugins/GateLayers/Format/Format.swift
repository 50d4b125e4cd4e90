internal import CentramGateSupport
internal import CentramGenome
public import CentramPluginAPI

/// Reads everything a genome consists of, strictly, before any other layer uses it: manifest, settings, weights; and compares names and
/// shapes with the base's.
struct Format: GateLayer {
  static let id: StaticString = "gate.format", version: StaticString = "1.0.0"
  let services: any HostServices
  let info = GateLayerInfo(
    position: 1, directions: [.inbound, .outbound],
    parameters: [
      .init("header_limit", .integer, default: .number(1_048_576), limits: 64...16_777_216, "bytes of the weights' header"),
      .init("genome_limit", .integer, default: .number(67_108_864), limits: 1024...1_099_511_627_776, "bytes of manifest, settings and weights together"),
      .init("rank_limit", .integer, default: .number(64), limits: 1...65_536, "rank of a module's factors"),
      .init("types", .string, default: .string("F32,F16,BF16"), "element types that are taken, with commas between them"),
    ])

  func judge(_ candidate: GenomeCandidate) async throws(PluginError) -> Verdict {
    let policy = try LayerPolicy("gate.format", json: candidate.policyJSON, info.parameters)
    let types = try Self.types(policy.string("types"))
    let base = try services.required("centram.base/1", for: "gate.format", as: (any BaseModelService).self)
    let size = candidate.manifest.count + candidate.adapterConfiguration.count + candidate.weights.count
    guard size <= policy.integer("genome_limit") else {
      return Self.refusal("the genome has \(size) bytes; \(policy.integer("genome_limit")) are allowed", of: "size")
    }
    do throws(GenomeError) {
      let manifest = try Manifest(parsing: candidate.manifest)
      if let refusal = Self.wrongFiles(manifest, candidate) { return Self.refusal(refusal, of: "files") }
      let view = try SafetensorsView(candidate.weights, maximumHeaderLength: policy.integer("header_limit"))
      let shapes: [Shape]
      switch manifest.kind {
      case .adapter: shapes = try Self.shapes(of: AdapterMatrices(AdapterSettings(parsing: candidate.adapterConfiguration), view), rankLimit: policy.integer("rank_limit"))
      case .fullDelta: shapes = view.tensors.map { Shape(parameter: $0.name, shape: $0.shape) }
      }
      for tensor in view.tensors where !types.contains(tensor.type) {
        return Self.refusal("\(GenomeError.shown(tensor.name)) is stored as \(tensor.type.rawValue); \(policy.string("types")) are allowed", of: "types")
      }
      for tensor in view.tensors {
        guard let index = view.firstNotFinite(in: tensor) else { continue }
        return Self.refusal("element \(index) of \(GenomeError.shown(tensor.name)) is NaN or infinite", of: "numbers")
      }
      let parameters: [BaseParameter]?
      do throws(PluginError) { parameters = try await base.parameters(ofBase: manifest.base) } catch {
        return Self.refusal("the base's shapes are not known: \(error.message)", of: "base")
      }
      if let refusal = parameters.flatMap({ Self.difference(shapes, from: $0) }) { return Self.refusal(refusal, of: "shapes") }
      var findings = Findings()
      findings.add("kind", manifest.kind.rawValue)
      findings.add("bytes", size)
      findings.add("tensors", view.tensors.count)
      findings.add("types", Set(view.tensors.map { $0.type.rawValue }).sorted().joined(separator: ", "))
      let comparison = parameters.map { "names and shapes fit, \($0.count) parameters" } ?? "not run here, names and shapes are not compared"
      findings.add("base", "\(short(manifest.base)): \(comparison)")
      return findings.verdict(.accept)
    } catch { return Verdict(.reject(reason: error.message), evidence: [.init("code", error.code.rawValue)]) }
  }

  /// - Parameter part: what is wrong.
  private static func refusal(_ reason: String, of part: String) -> Verdict { Verdict(.reject(reason: reason), evidence: [.init("failed", part)]) }

  /// A parameter of the base as the genome changes it.
  private struct Shape { let parameter: String, shape: [Int] }

  private static func types(_ text: String) throws(PluginError) -> Set<SafetensorsView.ElementType> {
    var types = Set<SafetensorsView.ElementType>()
    for name in text.split(separator: ",") {
      guard let type = SafetensorsView.ElementType(rawValue: String(name)) else {
        throw PluginError(.invalid, "gate.format: types has \"\(name.prefix(20))\"; there are \(SafetensorsView.ElementType.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      types.insert(type)
    }
    return types
  }

  /// What the manifest says of files against what is there. Their hashes are `gate.signature`'s.
  private static func wrongFiles(_ manifest: Manifest, _ candidate: GenomeCandidate) -> String? {
    let names = manifest.files.map(\.name), wanted = manifest.kind.files
    guard names == wanted else {
      return "the manifest names the files \(names.joined(separator: ", ")); a genome of kind \(manifest.kind.rawValue) has \(wanted.joined(separator: ", "))"
    }
    guard manifest.kind == .adapter || candidate.adapterConfiguration.isEmpty else { return "a genome of kind \(manifest.kind.rawValue) has no \(GenomeKind.configurationFile)" }
    for file in manifest.files {
      let size = candidate.withFile(file.name, of: manifest.kind) { $0.count } ?? 0
      guard Int64(size) == file.size else { return "\(file.name) has \(size) bytes, the manifest says \(file.size)" }
    }
    return nil
  }

  private static func shapes(of adapter: AdapterMatrices, rankLimit: Int) throws(GenomeError) -> [Shape] {
    for pair in adapter.pairs {
      guard pair.rank <= rankLimit else { throw GenomeError(.tooLarge, "\(GenomeError.shown(pair.module)) has rank \(pair.rank); \(rankLimit) is allowed") }
      guard pair.scale.isFinite else { throw GenomeError(.notFinite, "\(GenomeError.shown(pair.module)) has the scale \(pair.scale)") }
    }
    return adapter.pairs.map { pair in
      let rowsAreInputs = pair.isEmbedding != adapter.settings.isTransposed
      return Shape(parameter: "\(pair.module).weight", shape: rowsAreInputs ? [pair.inputs, pair.outputs] : [pair.outputs, pair.inputs])
    }
  }

  /// A sentence about the first parameter that the base does not have, or has in another shape.
  private static func difference(_ shapes: [Shape], from parameters: [BaseParameter]) -> String? {
    let known = Dictionary(parameters.map { ($0.name, $0.shape) }) { first, _ in first }
    for it in shapes {
      guard let shape = known[it.parameter] else {
        let hint = NearestName.suggestion(for: it.parameter, among: known.keys).map { "; nearest: \($0)" } ?? ""
        return "the base has no parameter \(GenomeError.shown(it.parameter))\(hint)"
      }
      guard shape == it.shape else { return "\(GenomeError.shown(it.parameter)) has the shape \(it.shape), the base's is \(shape)" }
    }
    return nil
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: Format.id, version: Format.version, kind: CENTRAM_KIND_GATE_LAYER, summary: "Reads manifest, settings and weights strictly"
) { pluginInterface($0, .gateLayer { environment in Format(services: environment.services) }) }

@c(centram_plugin_descriptor__gate_format) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
