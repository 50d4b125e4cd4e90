internal import CentramPluginAPI

/// One plugin on its way through the checks: what is known of it so far, and how each check went.
struct Inspection {
  /// A check and what carries it out.
  typealias Step = (check: PluginCheck, run: @Sendable (inout Inspection) throws(HostError) -> CheckResult.Outcome)

  /// A plugin's folder, or a bare library.
  let path: String
  let isBare: Bool
  let policy: TrustPolicy
  let services: any HostServices

  private(set) var results: [CheckResult] = []
  var manifestBytes: [UInt8] = [], signature: [UInt8]?
  var publisher: TrustPolicy.Publisher?
  var manifest: PluginManifest?
  var library: SealedLibrary?
  var elf: ELFLibrary?
  var handle: UnsafeMutableRawPointer?
  var description: PluginDescription?
  var table: centram_descriptor_t?
  var capability: Capability?

  init(path: String, isBare: Bool, policy: TrustPolicy, services: any HostServices) {
    (self.path, self.isBare, self.policy, self.services) = (path, isBare, policy, services)
  }

  /// Runs checks in order up to the first that fails.
  mutating func run(_ steps: [Step]) throws(HostError) {
    for step in steps {
      do throws(HostError) {
        results.append(CheckResult(check: step.check, outcome: try step.run(&self)))
      } catch {
        let refusal = HostError(Self.isOwn(error.code) ? error.code : HostError.Code(step.check), error.message, cause: error.cause)
        results.append(CheckResult(check: step.check, outcome: .failed(error.message)))
        throw refusal
      }
    }
  }

  /// Ends the chain with a reason of its own.
  func refusal(_ check: PluginCheck, _ sentence: String) -> HostError { HostError(.init(check), sentence) }

  /// Checks keep the names of their refusals; a file that cannot be read is refused in the check's name.
  private static func isOwn(_ code: HostError.Code) -> Bool { PluginCheck(rawValue: code.rawValue) != nil }

  var lanes: Set<PluginManifest.Lane> {
    if let manifest { return manifest.lanes }
    let bits = elf?.note?.lanes ?? 0
    var lanes: Set<PluginManifest.Lane> = []
    if bits & UInt32(CENTRAM_LANE_C) != 0 { lanes.insert(.c) }
    if bits & UInt32(CENTRAM_LANE_SWIFT) != 0 { lanes.insert(.swift) }
    return lanes
  }
}

/// The host's own side of every comparison.
enum HostAPI {
  static let c = SemanticVersion(Int(CENTRAM_C_ABI_MAJOR), Int(CENTRAM_C_ABI_MINOR), 0)
  static let swift = SemanticVersion(Int(CENTRAM_SWIFT_API_MAJOR), Int(CENTRAM_SWIFT_API_MINOR), 0)
  static let toolchain = String(cString: centram_compiled_toolchain())
  static let fingerprint = String(cString: centram_compiled_fingerprint())
}
