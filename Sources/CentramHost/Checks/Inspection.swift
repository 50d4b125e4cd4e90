internal import CentramLanes
internal import CentramPluginAPI

/// One plugin on its way through the checks: what is known of it so far, and how each check went. It can stop after a
/// check and go on later with what it read: nothing is read twice, so nothing can differ between check and use.
struct Inspection: @unchecked Sendable {  // its pointers are a library's, which stays for good
  /// A plugin's folder, or a bare library.
  let path: String
  let isBare: Bool
  var policy: TrustPolicy
  let services: any HostServices
  let isolation: (any PluginIsolation)?

  private(set) var results: [CheckResult] = []
  var manifestBytes: [UInt8] = [], signature: [UInt8]?
  var publisher: TrustPolicy.Publisher?
  var manifest: PluginManifest?
  /// What `rights` decided.
  var placement = Placement.inProcess
  var library: SealedLibrary?
  var elf: ELFLibrary?
  var symbols = SwiftSymbols()
  var opened: OpenedLibrary?
  var isolated: (any IsolatedPlugin)?
  var description: PluginDescription?
  var capability: Capability?
  let withdrawal = Withdrawal()

  init(path: String, isBare: Bool, policy: TrustPolicy, services: any HostServices, isolation: (any PluginIsolation)? = nil) {
    (self.path, self.isBare, self.policy, self.services, self.isolation) = (path, isBare, policy, services, isolation)
  }

  /// Carries out the checks that are left up to one, or up to the first that fails.
  mutating func run(upTo last: PluginCheck) throws(HostError) {
    for check in PluginCheck.through(last).dropFirst(results.count) {
      do throws(HostError) {
        results.append(CheckResult(check: check, outcome: try perform(check)))
      } catch {
        results.append(CheckResult(check: check, outcome: .failed(error.message)))
        // A file that cannot be read, say, is refused in the check's name.
        throw HostError(check, error.message, cause: error.cause)
      }
    }
  }

  private mutating func perform(_ check: PluginCheck) throws(HostError) -> CheckResult.Outcome {
    switch check {
    case .folder: try readFolder()
    case .signature: try verifySignature()
    case .manifest: try parseManifest()
    case .rights: try checkRights()
    case .api: try checkRanges()
    case .hash: try checkHash()
    case .elf: try readLibrary()
    case .machine: try checkMachine()
    case .note: try checkNote()
    case .needed: try checkNeeded()
    case .types: try checkTypes()
    case .conformances: try checkConformances()
    case .entry: try checkEntry()
    case .toolchain: try checkToolchain()
    case .fingerprint: try checkFingerprint()
    case .load: try load()
    case .descriptor: try readDescriptor()
    case .initialize: try initialize()
    case .interface: try findInterface()
    case .instance: try tryInstance()
    }
  }

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
