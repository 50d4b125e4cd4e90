// SPDX-License-Identifier: Apache-2.0

@_exported import CCentramPlugin

/// What a Swift plugin hands over: how to make an instance. Cases may be added.
public enum Capability: Sendable {
  case transport(@Sendable (PluginEnvironment) throws(PluginError) -> any Transport)
  case mergeOperator(@Sendable (PluginEnvironment) throws(PluginError) -> any MergeOperator)
  case gateLayer(@Sendable (PluginEnvironment) throws(PluginError) -> any GateLayer)
  case trainer(@Sendable (PluginEnvironment) throws(PluginError) -> any Trainer)
  case economyRule(@Sendable (PluginEnvironment) throws(PluginError) -> any EconomyRule)

  public var kind: PluginKind {
    switch self {
    case .transport: .transport
    case .mergeOperator: .mergeOperator
    case .gateLayer: .gateLayer
    case .trainer: .trainer
    case .economyRule: .economyRule
    }
  }
}

/// Carries a capability through the C door as an object.
public final class PluginBox: Sendable {
  public let capability: Capability
  public init(_ capability: Capability) { self.capability = capability }
}

/// Makes the C descriptor of a Swift plugin. Keep the result in a global:
///
/// ```swift
/// nonisolated(unsafe) private let descriptor = pluginDescriptor(
///   id: "com.example.merge.median", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR, summary: "Element-wise median"
/// ) { pluginInterface($0, .mergeOperator { _ in Median() }) }
/// @c(centram_plugin_descriptor__median) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
/// ```
///
/// It is compiled into the plugin, so it records the plugin's own API numbers, toolchain and fingerprint, never those
/// of the library that it meets later.
@_alwaysEmitIntoClient
public func pluginDescriptor(
  id: StaticString, version: StaticString, kind: String, summary: StaticString,
  interface: @escaping @convention(c) (UnsafePointer<CChar>?) -> UnsafeRawPointer?
) -> UnsafePointer<centram_descriptor_t> {
  func text(_ string: StaticString) -> UnsafePointer<CChar> { UnsafeRawPointer(string.utf8Start).assumingMemoryBound(to: CChar.self) }
  var descriptor = centram_descriptor_t()
  descriptor.magic = CENTRAM_MAGIC
  descriptor.struct_size = UInt32(MemoryLayout<centram_descriptor_t>.size)
  descriptor.c_abi_major = UInt16(CENTRAM_C_ABI_MAJOR)
  descriptor.c_abi_minor = UInt16(CENTRAM_C_ABI_MINOR)
  descriptor.swift_api_major = UInt16(CENTRAM_SWIFT_API_MAJOR)
  descriptor.swift_api_minor = UInt16(CENTRAM_SWIFT_API_MINOR)
  descriptor.lanes = UInt32(CENTRAM_LANE_SWIFT)
  // Made once a plugin and kept for good, as the plugin is.
  let kindText = UnsafeMutablePointer<CChar>.allocate(capacity: kind.utf8.count + 1)
  for (index, byte) in kind.utf8.enumerated() { kindText[index] = CChar(bitPattern: byte) }
  kindText[kind.utf8.count] = 0
  descriptor.kind = UnsafePointer(kindText)
  descriptor.id = text(id)
  descriptor.version = text(version)
  descriptor.summary = text(summary)
  descriptor.toolchain = centram_compiled_toolchain()
  descriptor.api_fingerprint = centram_compiled_fingerprint()
  descriptor.get_interface = interface
  let result = UnsafeMutablePointer<centram_descriptor_t>.allocate(capacity: 1)
  result.initialize(to: descriptor)
  return UnsafePointer(result)
}

/// The answer to the host's question for an interface: a box for `centram.swift/1`, nil for any other.
public func pluginInterface(_ id: UnsafePointer<CChar>?, _ capability: @autoclosure () -> Capability) -> UnsafeRawPointer? {
  guard let id, String(cString: id) == "centram.swift/1" else { return nil }
  return UnsafeRawPointer(Unmanaged.passRetained(PluginBox(capability())).toOpaque())
}
