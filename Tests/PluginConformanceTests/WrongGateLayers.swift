import CentramPluginAPI
import CentramPluginTesting
import Foundation
import Synchronization

/// A fault that the suite of gate layers must find, and the check that finds it.
enum GateMutation: String, CaseIterable, Sendable {
  case standsNowhere, takesSettingsNowAndThen, refusesOutbound, refusesTheHonest
  case givesNoReason, amplifies, givesNoEvidence, failsSilently
  case changesItsMind, variesByInstance, remembersManyOthers, sharesState, writesToWeights
  case hangsInTheEnd, guessesPolicies, takesAnyNumber, judgesWithoutAClock, sleepsThroughCancellation

  var caughtBy: String {
    switch self {
    case .standsNowhere: "info"
    case .takesSettingsNowAndThen: "configuration"
    case .refusesOutbound: "directions"
    case .refusesTheHonest: "acceptance"
    case .givesNoReason: "reason"
    case .amplifies: "factor"
    case .givesNoEvidence: "evidence"
    case .failsSilently: "error-sentence"
    case .changesItsMind: "repeatable"
    case .variesByInstance: "instances-agree"
    case .remembersManyOthers: "any-order"
    case .sharesState: "side-by-side"
    case .writesToWeights: "candidate-unchanged"
    case .hangsInTheEnd: "damaged-genomes"
    case .guessesPolicies: "hostile-policies"
    case .takesAnyNumber: "parameters-beyond-limits"
    case .judgesWithoutAClock: "missing-services"
    case .sleepsThroughCancellation: "cancelled"
    }
  }
}

/// Judges by the sum of the weights' bytes; right in every respect but the mutation.
final class WrongGateLayer: GateLayer {
  let mutation: GateMutation?
  private let services: any HostServices, number: Int
  private let state = Mutex((seen: Set<[UInt8]>(), last: [UInt8](), active: 0, calls: 0))

  init(_ mutation: GateMutation?, _ environment: PluginEnvironment, _ memory: WrongMemory) throws(PluginError) {
    (self.mutation, services) = (mutation, environment.services)
    number = memory.made.add(1, ordering: .relaxed).newValue
    if mutation == .takesSettingsNowAndThen, environment.configurationJSON != "{}", number % 2 == 0 { throw PluginError(.invalid, "not now") }
  }

  var info: GateLayerInfo {
    GateLayerInfo(
      position: mutation == .standsNowhere ? 0 : 11, directions: [.inbound, .outbound],
      parameters: [.init("limit_bytes", .integer, default: .number(1e6), limits: 1...1e9, "the largest file")])
  }

  private func limit(_ policy: String) throws(PluginError) -> Double {
    let calls = state.withLock { state in
      state.calls += 1
      return state.calls
    }
    if mutation == .guessesPolicies, policy != "{}", !policy.contains("limit_bytes"), calls % 2 == 0 { return 1e6 }
    guard let object = try? JSONSerialization.jsonObject(with: Data(policy.utf8)) as? [String: Double], object.keys.allSatisfy({ $0 == "limit_bytes" }) else {
      throw PluginError(.invalid, "the policy is not an object with limit_bytes")
    }
    let limit = object["limit_bytes"] ?? 1e6
    guard (1...1e9).contains(limit) || mutation == .takesAnyNumber else { throw PluginError(.invalid, "limit_bytes is \(limit)") }
    return limit
  }

  func judge(_ candidate: GenomeCandidate) async throws(PluginError) -> Verdict {
    if mutation == .sleepsThroughCancellation, Task.isCancelled { await Task.detached { try? await Task.sleep(for: .seconds(600)) }.value }
    if mutation == .refusesOutbound, candidate.direction == .outbound { throw PluginError(.unsupported, "inbound only") }
    let limit = try limit(candidate.policyJSON)
    if mutation != .judgesWithoutAClock, services.service("centram.clock/1") == nil { throw PluginError(.unavailable, "it needs centram.clock/1") }
    let hasClock = services.service("centram.clock/1") != nil
    guard candidate.weights.count >= 40, Double(candidate.weights.count) <= limit, candidate.adapterConfiguration.first == UInt8(ascii: "{") else {
      throw PluginError(.invalid, mutation == .failsSilently ? "" : "\(candidate.weights.count) bytes of weights")
    }
    let key = Array(candidate.weights) + candidate.manifest + candidate.contentHash + candidate.manifestSignature + candidate.adapterConfiguration
    let (known, isSame, active) = state.withLock { state in
      let isSame = state.last == key
      state.last = key
      state.seen.insert(key)
      state.active += 1
      return (state.seen.count, isSame, state.active)
    }
    if mutation == .hangsInTheEnd, known > 20 { try? await Task.sleep(for: .seconds(600)) }
    if mutation == .sharesState { try? await Task.sleep(for: .milliseconds(2)) }
    defer { state.withLock { $0.active -= 1 } }
    let sum = (Array(candidate.weights) + candidate.manifest + candidate.adapterConfiguration).reduce(0) { $0 + Int($1) }
    var evidence = [Verdict.Evidence("sum", "\(sum)")]
    switch mutation {
    case .changesItsMind where isSame, .remembersManyOthers where known > 9, .sharesState where active > 1: evidence.append(.init("more", "yes"))
    case .variesByInstance: evidence.append(.init("instance", "\(number)"))
    case .judgesWithoutAClock where !hasClock: evidence.append(.init("clock", "none"))
    case .givesNoEvidence: evidence = []
    default: break
    }
    if mutation == .writesToWeights { UnsafeMutableRawPointer(mutating: candidate.weights.baseAddress!).storeBytes(of: 1, as: UInt8.self) }
    let reason = mutation == .givesNoReason ? " " : "the sum is \(sum)"
    switch sum % 3 {
    case 0: return Verdict(mutation == .refusesTheHonest ? .reject(reason: reason) : .accept, evidence: evidence)
    case 1: return Verdict(.scale(factor: mutation == .amplifies ? 1.5 : 0.5, reason: reason), evidence: evidence)
    default: return Verdict(.quarantine(reason: reason), evidence: evidence)
    }
  }

  /// Three genomes that the right layer accepts.
  static let samples = (0..<3).map { number in
    // One byte makes the sum divisible by three.
    let offset = UInt8((3 - ("{\"sample\":0}{}".utf8.reduce(0) { $0 + Int($1) }) % 3) % 3)
    let weights = [UInt8](repeating: UInt8(number) * 3, count: 90) + [offset]
    return GateSample(
      contentHash: Array(repeating: UInt8(number), count: 32), manifest: Array("{\"sample\":\(3 * number)}".utf8), signature: Array(repeating: 1, count: 64),
      configuration: Array("{}".utf8), weights: weights)
  }
}
