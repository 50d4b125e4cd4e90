internal import CentramPluginAPI

/// The checks of the library's bytes, read from the sealed copy that would be loaded.
extension Inspection {
  private static let noSwift = CheckResult.Outcome.skipped("the plugin has no Swift lane")
  private static let functionTable = CheckResult.Outcome.skipped("a library in the function-table lane knows nothing of Centram")

  private var isFunctionTable: Bool { lanes == [.ffi] }
  private var isSwift: Bool { lanes.contains(.swift) }

  mutating func checkHash() throws(HostError) -> CheckResult.Outcome {
    let library = try SealedLibrary(path: manifest.map { path + "/" + $0.library } ?? path, isOwn: manifest != nil)
    self.library = library
    let hash = PluginSignature.sha256(library.bytes)
    try requireNotRevoked(hash, library.name)
    guard let manifest else { return .skipped("a bare library has no plugin.json") }
    guard hash == manifest.sha256 else {
      throw HostError(
        .hash,
        "\(manifest.library) is not the file that plugin.json names: its SHA-256 is \(hash), not \(manifest.sha256); "
          + "pack the plugin again if you changed the library")
    }
    return .passed
  }

  mutating func readLibrary() throws(HostError) -> CheckResult.Outcome {
    guard let library else { throw HostError(.elf, "there is no library to read") }
    let elf = try ELFLibrary(library.bytes)
    self.elf = elf
    if isSwift { symbols = SwiftSymbols(elf.exported) }
    return .passed
  }

  func checkMachine() throws(HostError) -> CheckResult.Outcome {
    let machine = elf?.machine ?? 0
    guard machine == ELFLibrary.hostMachine else {
      throw HostError(.machine, "it was built for ELF machine \(machine), this host runs on \(ELFLibrary.hostMachine); build it for this processor")
    }
    return .passed
  }

  func checkNote() throws(HostError) -> CheckResult.Outcome {
    if isFunctionTable { return Self.functionTable }
    guard let note = elf?.note else {
      throw HostError(.note, "it has no .note.centram, so it is not a Centram plugin, or was linked without CENTRAM_NOTE or CentramPluginStamp")
    }
    guard note.cMajor == HostAPI.c.major, note.cMinor <= HostAPI.c.minor else {
      throw HostError(.note, "it was built for C ABI \(note.cMajor).\(note.cMinor), this host has \(HostAPI.c.major).\(HostAPI.c.minor)")
    }
    if let manifest {
      let bits = manifest.lanes.reduce(0) { $0 | UInt32($1 == .c ? CENTRAM_LANE_C : CENTRAM_LANE_SWIFT) }
      guard bits == note.lanes else { throw HostError(.note, "its note names the lanes \(note.lanes), plugin.json says \(bits) (1: c, 2: swift)") }
    }
    guard !lanes.isEmpty else { throw HostError(.note, "its note names no lane that this host knows (\(note.lanes); 1: c, 2: swift)") }
    if isSwift, note.swiftMajor != HostAPI.swift.major || note.swiftMinor > HostAPI.swift.minor {
      throw HostError(
        .note, "it was built for Swift API \(note.swiftMajor).\(note.swiftMinor), this host has \(HostAPI.swift.major).\(HostAPI.swift.minor)")
    }
    return .passed
  }

  func checkNeeded() throws(HostError) -> CheckResult.Outcome {
    guard isSwift else { return Self.noSwift }
    let needed = elf?.needed ?? []
    guard needed.contains("libCentramPluginAPI.so") else {
      throw HostError(.needed, "it does not link libCentramPluginAPI.so, so it carries its own copy of the API; depend on the package CentramPluginAPI")
    }
    guard needed.contains("libswiftCore.so") else {
      throw HostError(.needed, "it does not link libswiftCore.so: two Swift runtimes cannot share objects; build it without -static-stdlib")
    }
    return .passed
  }

  func checkTypes() throws(HostError) -> CheckResult.Outcome {
    guard isSwift else { return Self.noSwift }
    if let type = symbols.copyOfAPI {
      throw HostError(.types, "it defines \(type) itself, a second copy of the API that no cast would match; link the API as a dynamic library")
    }
    return .passed
  }

  func checkConformances() throws(HostError) -> CheckResult.Outcome {
    guard isSwift else { return Self.noSwift }
    if let conformance = symbols.foreignConformance {
      throw HostError(
        .conformances,
        "it conforms \(conformance), neither of which is its own; another plugin may do the same, and the runtime would take either. "
          + "Wrap the type in one of your own")
    }
    return .passed
  }

  func checkEntry() throws(HostError) -> CheckResult.Outcome {
    guard let elf else { throw HostError(.entry, "there is no library to read") }
    if isFunctionTable {
      let symbols = manifest?.functionTable.map { [$0.symbol] } ?? []
      guard let missing = symbols.first(where: { !elf.exported.contains($0) }) else { return .passed }
      throw HostError(.entry, "it exports no function \(missing)\(NearestName.hint(for: missing, among: elf.exported))")
    }
    guard elf.entries.count == 1 else {
      throw HostError(
        .entry,
        elf.entries.isEmpty
          ? "it exports no \(CENTRAM_ENTRY) or \(CENTRAM_ENTRY)__NAME"
          : "it exports \(elf.entries.count) entries (\(elf.entries.prefix(4).joined(separator: ", "))); a plugin has exactly one")
    }
    return .passed
  }

  func checkToolchain() throws(HostError) -> CheckResult.Outcome {
    guard isSwift else { return Self.noSwift }
    let built = elf?.note?.toolchain ?? ""
    guard built == HostAPI.toolchain else {
      throw HostError(.toolchain, "it was built by \"\(built)\", this host by \"\(HostAPI.toolchain)\"; build it with the host's toolchain or use the C lane")
    }
    guard manifest == nil || manifest?.toolchain == built else {
      throw HostError(.toolchain, "plugin.json names the toolchain \"\(manifest?.toolchain ?? "")\", the library \"\(built)\"")
    }
    return .passed
  }

  func checkFingerprint() throws(HostError) -> CheckResult.Outcome {
    guard isSwift, let note = elf?.note else { return Self.noSwift }
    guard manifest == nil || manifest?.fingerprint == note.fingerprint else {
      throw HostError(.fingerprint, "plugin.json names the fingerprint \(manifest?.fingerprint ?? ""), the library \(note.fingerprint)")
    }
    guard note.swiftMinor == HostAPI.swift.minor else { return .skipped("built for an earlier minor version of the API") }
    guard note.fingerprint == HostAPI.fingerprint else {
      throw HostError(
        .fingerprint,
        "it was built for another state of Swift API \(note.swiftMajor).\(note.swiftMinor) (\(note.fingerprint), this host has "
          + "\(HostAPI.fingerprint)); build it against the released API")
    }
    return .passed
  }
}
