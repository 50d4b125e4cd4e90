internal import CentramPluginAPI
internal import Foundation

/// A described C function as a gate layer: called once a candidate; its result is the verdict.
struct ForeignGateLayer: GateLayer {
  let info: GateLayerInfo
  let table: FunctionTable
  let function: ForeignFunction
  let services: any HostServices

  func judge(_ candidate: GenomeCandidate) async throws(PluginError) -> Verdict { try verdict(candidate) }

  private func verdict(_ candidate: GenomeCandidate) throws(PluginError) -> Verdict {
    let arena = CArena(), findings = Findings()
    var words: [UInt64] = [], callbacks: [HostClosure] = []
    for argument in table.arguments { words.append(try word(argument, candidate, arena, findings, &callbacks)) }
    let number = table.resultType.number(function(&words))
    withExtendedLifetime((arena, callbacks)) {}
    let evidence = findings.evidence
    switch table.result {
    case .nothing: return Verdict(.accept, evidence: evidence)
    case .status:
      guard number == 0 else { throw PluginError(.init(rawValue: Int32(clamping: Int(number))), "\(table.symbol) returned \(Int(number))") }
      return Verdict(.accept, evidence: evidence)
    case .score(let accepted):
      let measured = evidence + [.init(table.symbol, "\(number)")]
      guard !accepted.contains(number) else { return Verdict(.accept, evidence: measured) }
      return Verdict(.reject(reason: "\(table.symbol) gives \(number); accepted is \(accepted.lowerBound) to \(accepted.upperBound)"), evidence: measured)
    case .decision:
      switch Int32(clamping: Int(number)) {
      case Int32(CENTRAM_VERDICT_ACCEPT): return Verdict(.accept, evidence: evidence)
      case Int32(CENTRAM_VERDICT_QUARANTINE): return Verdict(.quarantine(reason: "\(table.symbol) says so"), evidence: evidence)
      case Int32(CENTRAM_VERDICT_REJECT): return Verdict(.reject(reason: "\(table.symbol) says so"), evidence: evidence)
      default: throw PluginError(.internalFailure, "\(table.symbol) decided \(Int(number)); a function table decides 0, 2 or 3")
      }
    }
  }

  private func word(
    _ argument: FunctionTable.Argument, _ candidate: GenomeCandidate, _ arena: CArena, _ findings: Findings, _ callbacks: inout [HostClosure]
  ) throws(PluginError) -> UInt64 {
    func address(_ bytes: [UInt8]) -> UInt64 { UInt64(UInt(bitPattern: arena.array(bytes))) }
    func size(_ count: Int) throws(PluginError) -> UInt64 { try argument.type.word(whole: UInt64(count), for: argument.role.rawValue) }
    switch argument.role {
    case .weights: return UInt64(UInt(bitPattern: candidate.weights.baseAddress))
    case .weightsSize: return try size(candidate.weights.count)
    case .manifest: return address(candidate.manifest)
    case .manifestSize: return try size(candidate.manifest.count)
    case .adapterConfiguration: return address(candidate.adapterConfiguration)
    case .adapterConfigurationSize: return try size(candidate.adapterConfiguration.count)
    case .contentHash: return address(candidate.contentHash)
    case .direction: return try argument.type.word(Double(candidate.direction.rawValue), for: "the direction")
    case .constant: return try argument.type.word(argument.value, for: "a constant")
    case .parameter: return try argument.type.word(setting(argument.name, candidate), for: argument.name)
    case .evidence:
      callbacks.append(
        try HostClosure(result: .void, arguments: [.pointer, .pointer]) { argument in
          findings.evidence.append(.init(HostClosure.text(argument(0)), HostClosure.text(argument(1))))
          return 0
        })
      return callbacks.last?.word ?? 0
    case .log:
      callbacks.append(try HostClosure.log(services))
      return callbacks.last?.word ?? 0
    default: throw PluginError(.unsupported, "a gate layer has no \(argument.role.rawValue)")
    }
  }

  /// A number of the layer's policy, else the parameter's default.
  private func setting(_ name: String, _ candidate: GenomeCandidate) throws(PluginError) -> Double {
    let policy = try? JSONDecoder().decode([String: Setting].self, from: Data(candidate.policyJSON.utf8))
    if let number = policy?[name]?.number { return number }
    if case .number(let number) = table.parameters.first(where: { $0.name == name })?.defaultValue { return number }
    throw PluginError(.invalid, "the layer's policy has no number \(name), and there is no default")
  }

  /// What the function said through its callback, on the one thread that called it.
  private final class Findings { var evidence: [Verdict.Evidence] = [] }

  /// A policy may hold anything; only numbers are asked for.
  private struct Setting: Decodable {
    let number: Double?
    init(from decoder: any Decoder) throws { number = try? decoder.singleValueContainer().decode(Double.self) }
  }
}
