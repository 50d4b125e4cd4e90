internal import Glibc

/// What the host wants to know of a shared library without loading it: no constructor runs, no metadata is registered.
public struct ELFLibrary: Sendable {
  /// The `e_machine` of this process.
  #if arch(x86_64)
  public static let hostMachine: UInt16 = 62
  #elseif arch(arm64)
  public static let hostMachine: UInt16 = 183
  #endif

  /// What `.note.centram` holds.
  public struct Note: Sendable, Equatable {
    public var cMajor: Int, cMinor: Int
    /// 0.0 without a Swift lane.
    public var swiftMajor: Int, swiftMinor: Int
    /// `CENTRAM_LANE_*` or-ed.
    public var lanes: UInt32
    public var toolchain: String, fingerprint: String
  }

  public internal(set) var machine: UInt16 = 0
  /// The libraries that it wants loaded with it.
  public internal(set) var needed: [String] = []
  public internal(set) var exported: Set<String> = []
  public internal(set) var undefined: Set<String> = []
  public internal(set) var note: Note?

  /// Reads a library.
  /// - Parameter bytes: a whole file, from anywhere: nothing in it is believed before it was compared with the file's size.
  /// - Throws: `.init(.elf)` that names what is wrong and where.
  public init(_ bytes: UnsafeRawBufferPointer) throws(HostError) {
    let reader = ELFReader(bytes: bytes)
    guard bytes.count >= 64, bytes.prefix(6).elementsEqual([0x7f, 0x45, 0x4c, 0x46, 2, 1]) else {
      throw ELFReader.damaged("it is not a 64-bit little-endian ELF file")
    }
    guard try reader.load(UInt16.self, at: 16) == 3 else { throw ELFReader.damaged("it is an ELF file, but not a shared library") }
    machine = try reader.load(UInt16.self, at: 18)
    let sections = try reader.sections()
    guard sections.count(where: { $0.type == ELFReader.dynamic }) == 1, sections.count(where: { $0.type == ELFReader.dynamicSymbols }) == 1 else {
      throw ELFReader.damaged("it does not have one .dynamic and one .dynsym section")
    }
    var budget = ELFReader.TextBudget(remaining: bytes.count &* 4)
    for section in sections {
      if section.type == ELFReader.dynamic { needed = try reader.needed(section, sections, &budget) }
      if section.type == ELFReader.dynamicSymbols { (exported, undefined) = try reader.symbols(section, sections, &budget) }
      if section.name == ".note.centram" { note = try reader.note(section) }
    }
  }

  /// The exported names that a plugin's entry may have.
  public var entries: [String] { exported.filter { $0 == "centram_plugin_descriptor" || $0.hasPrefix("centram_plugin_descriptor__") }.sorted() }
}
