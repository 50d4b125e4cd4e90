internal import CentramPluginAPI

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

  /// Reads a descriptor.
  /// - Throws: `descriptor` where its head is not one of this ABI's.
  init(_ pointer: UnsafePointer<centram_descriptor_t>?) throws(HostError) {
    guard let pointer else { throw HostError(.descriptor, "its entry returned no descriptor") }
    // Only magic and size may be read before they are known to be right.
    let head = UnsafeRawPointer(pointer).loadUnaligned(as: (magic: UInt32, size: UInt32).self)
    guard head.magic == CENTRAM_MAGIC else {
      throw HostError(.descriptor, "its descriptor begins with 0x\(String(head.magic, radix: 16)), not 0x\(String(CENTRAM_MAGIC, radix: 16))")
    }
    let size = MemoryLayout<centram_descriptor_t>.size
    guard head.size >= size else { throw HostError(.descriptor, "its descriptor has \(head.size) bytes; C ABI 1.0 needs \(size)") }
    let descriptor = pointer.pointee
    guard descriptor.c_abi_major == HostAPI.c.major else {
      throw HostError(.descriptor, "its descriptor is of C ABI \(descriptor.c_abi_major), this host has \(HostAPI.c.major)")
    }
    guard descriptor.get_interface != nil else { throw HostError(.descriptor, "its descriptor has no get_interface") }
    func text(_ pointer: UnsafePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }
    (id, version, kind, summary) = (text(descriptor.id), text(descriptor.version), text(descriptor.kind), text(descriptor.summary))
    (lanes, toolchain, fingerprint) = (descriptor.lanes, text(descriptor.toolchain), text(descriptor.api_fingerprint))
    (swiftMajor, swiftMinor) = (Int(descriptor.swift_api_major), Int(descriptor.swift_api_minor))
  }
}
