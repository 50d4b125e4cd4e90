internal import CentramLanes

/// What a library's own descriptor says of it.
public struct PluginDescription: Sendable, Equatable, Codable {
  public var id: String, version: String, kind: String, summary: String
  /// `CENTRAM_LANE_*` or-ed.
  public var lanes: UInt32
  /// Major and minor of the Swift API that it was built for; 0 and 0 without a Swift lane.
  public var swiftMajor: Int, swiftMinor: Int
  public var toolchain: String, fingerprint: String

  /// Loads a library into this process and reads its descriptor; nothing else of it is called.
  public init(ofLibrary path: String) throws(HostError) {
    var inspection = Inspection(path: path, isBare: true, policy: TrustPolicy(untrusted: .allow), services: DefaultHostServices())
    try inspection.run(upTo: .descriptor)
    guard let description = inspection.description else { throw HostError(.descriptor, "\(path) has no descriptor") }
    self = description
  }

  init(_ text: DescriptorText) {
    (id, version, kind, summary) = (text.id, text.version, text.kind, text.summary)
    (lanes, toolchain, fingerprint) = (text.lanes, text.toolchain, text.fingerprint)
    (swiftMajor, swiftMinor) = (Int(text.swiftMajor), Int(text.swiftMinor))
  }
}
