package import CentramPluginAPI
internal import Glibc

/// What a library's own descriptor says of it.
package struct DescriptorText: Sendable, Equatable {
  package var id = "", version = "", kind = "", summary = ""
  /// `CENTRAM_LANE_*` or-ed.
  package var lanes: UInt32 = 0
  package var swiftMajor: UInt16 = 0, swiftMinor: UInt16 = 0
  package var toolchain = "", fingerprint = ""
  package init() {}

  /// Reads a descriptor.
  /// - Throws: `.invalid` where its head is not one of this ABI's.
  package init(_ pointer: UnsafePointer<centram_descriptor_t>?) throws(PluginError) {
    guard let pointer else { throw PluginError(.invalid, "its entry returned no descriptor") }
    // Only magic and size may be read before they are known to be right.
    let head = UnsafeRawPointer(pointer).loadUnaligned(as: (magic: UInt32, size: UInt32).self)
    guard head.magic == CENTRAM_MAGIC else {
      throw PluginError(.invalid, "its descriptor begins with 0x\(String(head.magic, radix: 16)), not 0x\(String(CENTRAM_MAGIC, radix: 16))")
    }
    // As C ABI 1.0 has it; later versions add behind it.
    let size = (MemoryLayout<centram_descriptor_t>.offset(of: \.get_interface) ?? 0) + MemoryLayout<UInt>.size
    guard head.size >= size else { throw PluginError(.invalid, "its descriptor has \(head.size) bytes; C ABI 1.0 needs \(size)") }
    let descriptor = CLane.known(pointer, size: Int(head.size), as: centram_descriptor_t.self)
    guard descriptor.c_abi_major == UInt16(CENTRAM_C_ABI_MAJOR) else {
      throw PluginError(.invalid, "its descriptor is of C ABI \(descriptor.c_abi_major), this host has \(CENTRAM_C_ABI_MAJOR)")
    }
    guard descriptor.get_interface != nil else { throw PluginError(.invalid, "its descriptor has no get_interface") }
    func text(_ pointer: UnsafePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }
    (id, version, kind, summary) = (text(descriptor.id), text(descriptor.version), text(descriptor.kind), text(descriptor.summary))
    (lanes, toolchain, fingerprint) = (descriptor.lanes, text(descriptor.toolchain), text(descriptor.api_fingerprint))
    (swiftMajor, swiftMinor) = (descriptor.swift_api_major, descriptor.swift_api_minor)
  }
}

/// A library that the system's loader took, on its way to something that makes instances: the same in the host and in a process of its own.
package struct OpenedLibrary: @unchecked Sendable {  // its pointers are a library's, which stays for good
  package let handle: UnsafeMutableRawPointer
  package private(set) var description: DescriptorText?
  private var table: centram_descriptor_t?

  package init(handle: UnsafeMutableRawPointer) { self.handle = handle }

  /// Calls the entry and reads what it returns.
  package mutating func readDescriptor(entry: String?) throws(PluginError) {
    typealias Entry = @convention(c) () -> UnsafePointer<centram_descriptor_t>?
    guard let entry, let symbol = dlsym(handle, entry) else { throw PluginError(.invalid, "the loader does not find its entry") }
    let pointer = unsafeBitCast(symbol, to: Entry.self)()
    description = try DescriptorText(pointer)
    table = pointer.map { CLane.known($0, size: Int($0.pointee.struct_size), as: centram_descriptor_t.self) }
  }

  /// Calls the plugin's `init`.
  /// - Returns: false where it has none.
  package func initialize(_ services: any HostServices) throws(PluginError) -> Bool {
    guard let initialize = table?.`init` else { return false }
    let host = CHostTable.make(services: services)
    try callingC("init") { initialize(host, $0, $1) }
    return true
  }

  /// - Parameters:
  ///   - isSwift: whether the plugin offers the Swift lane, which goes before the C lane.
  ///   - functions: of a library in the function-table lane.
  package func capability(_ kind: PluginKind, isSwift: Bool, functions: FunctionTable?) throws(PluginError) -> Capability {
    if let functions { return try functions.capability(library: handle) }
    guard let interface = table?.get_interface else { throw PluginError(.unsupported, "it has no interface") }
    guard isSwift else { return try CLane.capability(kind, interface) }
    guard let raw = interface("centram.swift/1") else {
      throw PluginError(.unsupported, "its note names the Swift lane, but it offers no centram.swift/1")
    }
    guard let box = Unmanaged<AnyObject>.fromOpaque(raw).takeRetainedValue() as? PluginBox else {
      throw PluginError(.unsupported, "its PluginBox is not this process's: a second copy of CentramPluginAPI is loaded")
    }
    return box.capability
  }
}
