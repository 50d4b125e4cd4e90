internal import CentramPluginAPI

/// Reads fields of an ELF file that may be hostile: offsets wrap instead of trapping, and every access is compared with the size.
struct ELFReader {
  struct Section {
    var name = "", type: UInt32, offset: Int, size: Int, link: Int
    var nameOffset: Int
  }

  /// Names may overlap in the file, so a small file could ask for endless text; this bounds the sum.
  struct TextBudget { var remaining: Int }

  static let dynamic: UInt32 = 6, dynamicSymbols: UInt32 = 11
  private static let noBits: UInt32 = 8, unused: UInt32 = 0

  let bytes: UnsafeRawBufferPointer

  static func damaged(_ what: String) -> HostError { HostError(.elf, "the library cannot be read: \(what)") }

  func load<T: BitwiseCopyable>(_ type: T.Type, at offset: Int) throws(HostError) -> T {
    guard offset >= 0, offset <= bytes.count - MemoryLayout<T>.size else {
      throw Self.damaged("it ends at byte \(bytes.count), but byte \(offset) is needed")
    }
    return bytes.loadUnaligned(fromByteOffset: offset, as: type)
  }

  /// A zero-terminated text of at most `limit` bytes.
  func text(at offset: Int, limit: Int = 1 << 16) throws(HostError) -> String {
    guard offset >= 0, offset < bytes.count else { throw Self.damaged("a name lies at byte \(offset) of \(bytes.count)") }
    let end = min(bytes.count, offset &+ limit)
    let tail = bytes[offset..<end]
    return String(decoding: tail[..<(tail.firstIndex(of: 0) ?? end)], as: UTF8.self)
  }

  private func text(at offset: Int, _ budget: inout TextBudget) throws(HostError) -> String {
    let text = try text(at: offset)
    budget.remaining -= text.utf8.count + 1
    guard budget.remaining >= 0 else { throw Self.damaged("its names together are longer than four times the file") }
    return text
  }

  /// All sections with their names; each lies inside the file.
  func sections() throws(HostError) -> [Section] {
    let table = Int(truncatingIfNeeded: try load(UInt64.self, at: 40))
    let entrySize = Int(try load(UInt16.self, at: 58))
    let count = Int(try load(UInt16.self, at: 60))
    let nameSection = Int(try load(UInt16.self, at: 62))
    guard entrySize >= 64, nameSection < count else { throw Self.damaged("it has no usable section table") }
    var result: [Section] = []
    for index in 0..<count {
      let header = table &+ index &* entrySize
      let section = Section(
        type: try load(UInt32.self, at: header &+ 4), offset: Int(truncatingIfNeeded: try load(UInt64.self, at: header &+ 24)),
        size: Int(truncatingIfNeeded: try load(UInt64.self, at: header &+ 32)), link: Int(try load(UInt32.self, at: header &+ 40)),
        nameOffset: Int(try load(UInt32.self, at: header)))
      let isInside = section.offset >= 0 && section.size >= 0 && section.size <= bytes.count && section.offset <= bytes.count - section.size
      guard isInside || section.type == Self.noBits || section.type == Self.unused else {
        throw Self.damaged("section \(index) does not lie inside the file")
      }
      result.append(section)
    }
    let names = result[nameSection].offset
    for index in result.indices { result[index].name = try text(at: names &+ result[index].nameOffset, limit: 256) }
    return result
  }

  func needed(_ section: Section, _ sections: [Section], _ budget: inout TextBudget) throws(HostError) -> [String] {
    let names = try linked(section, sections)
    var result: [String] = []
    for offset in stride(from: section.offset, to: section.offset &+ section.size, by: 16) {
      let tag = try load(Int64.self, at: offset)
      if tag == 0 { break }
      if tag == 1 { result.append(try text(at: names &+ Int(truncatingIfNeeded: try load(UInt64.self, at: offset &+ 8)), &budget)) }
    }
    return result
  }

  func symbols(
    _ section: Section, _ sections: [Section], _ budget: inout TextBudget
  ) throws(HostError) -> (exported: Set<String>, undefined: Set<String>) {
    let names = try linked(section, sections)
    var exported: Set<String> = [], undefined: Set<String> = []
    // The first symbol is always the empty one.
    for offset in stride(from: section.offset &+ 24, to: section.offset &+ section.size, by: 24) {
      let name = try text(at: names &+ Int(try load(UInt32.self, at: offset)), &budget)
      let isDefined = try load(UInt16.self, at: offset &+ 6) != 0
      if isDefined { exported.insert(name) } else { undefined.insert(name) }
    }
    return (exported, undefined)
  }

  /// The note, or nil where the section holds another one.
  func note(_ section: Section) throws(HostError) -> ELFLibrary.Note? {
    func field<T: BitwiseCopyable>(_ path: PartialKeyPath<centram_note_t>, _ type: T.Type) throws(HostError) -> T {
      try load(type, at: section.offset &+ (MemoryLayout<centram_note_t>.offset(of: path) ?? 0))
    }
    guard section.size >= (MemoryLayout<centram_note_t>.offset(of: \.api_fingerprint) ?? 0) + 72, try field(\.magic, UInt32.self) == CENTRAM_MAGIC,
      try text(at: section.offset &+ 12, limit: 8) == "Centram"
    else { return nil }
    return ELFLibrary.Note(
      cMajor: Int(try field(\.c_abi_major, UInt16.self)), cMinor: Int(try field(\.c_abi_minor, UInt16.self)),
      swiftMajor: Int(try field(\.swift_api_major, UInt16.self)), swiftMinor: Int(try field(\.swift_api_minor, UInt16.self)),
      lanes: try field(\.lanes, UInt32.self),
      toolchain: try text(at: section.offset &+ (MemoryLayout<centram_note_t>.offset(of: \.toolchain) ?? 0), limit: 160),
      fingerprint: try text(at: section.offset &+ (MemoryLayout<centram_note_t>.offset(of: \.api_fingerprint) ?? 0), limit: 72))
  }

  private func linked(_ section: Section, _ sections: [Section]) throws(HostError) -> Int {
    guard sections.indices.contains(section.link) else { throw Self.damaged("\(section.name) names section \(section.link) of \(sections.count)") }
    return sections[section.link].offset
  }
}
