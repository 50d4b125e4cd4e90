internal import CentramLanes
internal import CentramPluginAPI
internal import Glibc

/// The steps from checked bytes to something that makes instances.
extension Inspection {
  private static let functionTable = CheckResult.Outcome.skipped("a library in the function-table lane has none")

  /// A plugin's first sentence in the log names it.
  private var ownServices: PluginServices { PluginServices(base: services, plugin: description?.id ?? manifest?.id ?? path) }

  mutating func load() throws(HostError) -> CheckResult.Outcome {
    handle = try library?.load()
    return .passed
  }

  mutating func readDescriptor() throws(HostError) -> CheckResult.Outcome {
    if lanes == [.ffi] { return Self.functionTable }
    typealias Entry = @convention(c) () -> UnsafePointer<centram_descriptor_t>?
    guard let name = elf?.entries.first, let symbol = dlsym(handle, name) else {
      throw HostError(.descriptor, "the loader does not find its entry")
    }
    let pointer = unsafeBitCast(symbol, to: Entry.self)()
    let description = try PluginDescription(pointer)
    (self.description, table) = (description, pointer.map { CLane.known($0, size: Int($0.pointee.struct_size), as: centram_descriptor_t.self) })
    try compare("lanes", String(description.lanes), with: elf?.note.map { String($0.lanes) }, of: "its note")
    if description.lanes & UInt32(CENTRAM_LANE_SWIFT) != 0 {
      try compare("toolchain", description.toolchain, with: elf?.note?.toolchain, of: "its note")
      try compare("fingerprint", description.fingerprint, with: elf?.note?.fingerprint, of: "its note")
    }
    try compare("id", description.id, with: manifest?.id, of: "plugin.json")
    try compare("version", description.version, with: manifest?.version.description, of: "plugin.json")
    try compare("kind", description.kind, with: manifest?.kind.rawValue, of: "plugin.json")
    guard manifest != nil || PluginManifest.isIdentifier(description.id) else {
      throw HostError(.descriptor, "its id \"\(description.id)\" must hold only letters, digits, '.', '-' and '_'")
    }
    return .passed
  }

  private func compare(_ what: String, _ own: String, with other: String?, of source: String) throws(HostError) {
    guard let other, own != other else { return }
    throw HostError(.descriptor, "its descriptor says \(what) \"\(own)\", \(source) \"\(other)\"")
  }

  func initialize() throws(HostError) -> CheckResult.Outcome {
    if lanes == [.ffi] { return Self.functionTable }
    guard let initialize = table?.`init` else { return .skipped("it has nothing to set up") }
    let host = CHostTable.make(services: ownServices)
    do throws(PluginError) {
      try callingC("init") { initialize(host, $0, $1) }
    } catch {
      throw HostError(.initialize, "its init failed: \(error.message)", cause: error)
    }
    return .passed
  }

  mutating func findInterface() throws(HostError) -> CheckResult.Outcome {
    let kind = manifest?.kind ?? PluginKind(rawValue: description?.kind ?? "")
    let capability: Capability
    do throws(PluginError) {
      capability = try makeCapability(kind)
    } catch {
      throw HostError(.interface, error.message, cause: error)
    }
    guard capability.kind == kind else { throw HostError(.interface, "its descriptor says kind \(kind), its interface is a \(capability.kind)") }
    let services = ownServices
    self.capability = capability.wrapping { PluginEnvironment(services: services, configurationJSON: $0.configurationJSON) }
    return .passed
  }

  /// Makes an instance without settings and lets it go.
  func tryInstance() throws(HostError) -> CheckResult.Outcome {
    do throws(PluginError) {
      _ = try capability?.make(PluginEnvironment(services: services))
    } catch {
      throw HostError(.instance, "it made no instance without settings: \(error.message)", cause: error)
    }
    return .passed
  }

  private func makeCapability(_ kind: PluginKind) throws(PluginError) -> Capability {
    if let functions = manifest?.functionTable, let handle { return try functions.capability(library: handle) }
    guard let interface = table?.get_interface else { throw PluginError(.unsupported, "it has no interface") }
    guard lanes.contains(.swift) else { return try CLane.capability(kind, interface) }
    guard let raw = interface("centram.swift/1") else {
      throw PluginError(.unsupported, "its note names the Swift lane, but it offers no centram.swift/1")
    }
    guard let box = Unmanaged<AnyObject>.fromOpaque(raw).takeRetainedValue() as? PluginBox else {
      throw PluginError(.unsupported, "its PluginBox is not this process's: a second copy of CentramPluginAPI is loaded")
    }
    return box.capability
  }
}
