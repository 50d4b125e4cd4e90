internal import CentramLanes
internal import CentramPluginAPI

/// The steps from checked bytes to something that makes instances.
extension Inspection {
  private static let functionTable = CheckResult.Outcome.skipped("a library in the function-table lane has none")

  /// A plugin's first sentence in the log names it.
  private var ownServices: PluginServices { PluginServices(base: services, plugin: description?.id ?? manifest?.id ?? path) }

  mutating func load() throws(HostError) -> CheckResult.Outcome {
    guard placement == .isolated else {
      opened = try library.map { (it) throws(HostError) in OpenedLibrary(handle: try it.load()) }
      return .passed
    }
    guard let isolation, let library, let manifest else { throw HostError(.load, "there is nothing to isolate it with") }
    isolated = try inCheck(.load) { () throws(PluginError) in
      try isolation.start(
        LibraryToIsolate(
          descriptor: library.descriptor, name: library.name, entry: elf?.entries.first, kind: manifest.kind, isSwift: lanes.contains(.swift),
          services: ownServices, functions: manifest.functionTable))
    }
    return .passed
  }

  mutating func readDescriptor() throws(HostError) -> CheckResult.Outcome {
    if lanes == [.ffi] { return Self.functionTable }
    let entry = elf?.entries.first
    if isolated == nil { try inCheck(.descriptor) { () throws(PluginError) in try opened?.readDescriptor(entry: entry) } }
    guard let text = opened?.description ?? isolated?.description?.text else { throw HostError(.descriptor, "its entry returned no descriptor") }
    let description = PluginDescription(text)
    self.description = description
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
    do throws(PluginError) {
      let isDone = if let isolated { try isolated.initialize() } else { try opened?.initialize(ownServices) == true }
      return isDone ? .passed : .skipped("it has nothing to set up")
    } catch {
      throw HostError(.initialize, "its init failed: \(error.message)", cause: error)
    }
  }

  mutating func findInterface() throws(HostError) -> CheckResult.Outcome {
    let kind = manifest?.kind ?? PluginKind(rawValue: description?.kind ?? "")
    let capability = try inCheck(.interface) { () throws(PluginError) in
      if let isolated { return try isolated.capability() }
      guard let opened else { throw PluginError(.unsupported, "it has no interface") }
      return try opened.capability(kind, isSwift: lanes.contains(.swift), functions: manifest?.functionTable)
    }
    guard capability.kind == kind else { throw HostError(.interface, "its descriptor says kind \(kind), its interface is a \(capability.kind)") }
    let services = ownServices
    self.capability = (isolated == nil ? capability.heeding(withdrawal) : capability).wrapping { PluginEnvironment(services: services, configurationJSON: $0.configurationJSON) }
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

  private func inCheck<Value>(_ check: PluginCheck, _ body: () throws(PluginError) -> Value) throws(HostError) -> Value {
    do throws(PluginError) { return try body() } catch { throw HostError(check, error.message, cause: error) }
  }
}
