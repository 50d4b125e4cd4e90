package import CentramPluginAPI

/// Makes the host's Swift protocols out of tables of C functions.
package enum CLane {
  package typealias Interface = @convention(c) (UnsafePointer<CChar>?) -> UnsafeRawPointer?

  /// What a plugin of this kind can make.
  /// - Throws: where it has no table of its kind, or one that is too small or lacks a function.
  package static func capability(_ kind: PluginKind, _ interface: Interface) throws(PluginError) -> Capability {
    switch kind {
    case .mergeOperator:
      let table = try table(centram_merge_v1_t.self, "centram.merge/1", from: \.create, ["create", "destroy", "merge"], interface)
      return .mergeOperator { (it) throws(PluginError) in try CMergeOperator(table.value, it) }
    case .gateLayer:
      let table = try table(centram_gate_v1_t.self, "centram.gate/1", from: \.create, ["create", "destroy", "judge"], interface)
      return .gateLayer { (it) throws(PluginError) in try CGateLayer(table.value, it) }
    case .economyRule:
      let table = try table(centram_economy_v1_t.self, "centram.economy/1", from: \.create, ["create", "destroy", "postings"], interface)
      return .economyRule { (it) throws(PluginError) in try CEconomyRule(table.value, it) }
    case .trainer:
      let table = try table(centram_trainer_v1_t.self, "centram.trainer/1", from: \.create, ["create", "destroy", "train"], interface)
      return .trainer { (it) throws(PluginError) in try CTrainer(table.value, it) }
    case .transport:
      let table = try table(centram_transport_v1_t.self, "centram.transport/1", from: \.create, CTransport.functions, interface)
      return .transport { (it) throws(PluginError) in try CTransport(table.value, it) }
    default:
      throw PluginError(.unsupported, "this host has no C table for the kind \(kind)")
    }
  }

  /// A copy of a plugin's table. It may be longer than this host knows, or of an earlier minor version and end after the functions of revision 1, which lie
  /// one after another from `first` on; what it has not is zero. It lacks none of those functions; a name in brackets may be missing.
  private static func table<Table>(
    _ type: Table.Type, _ id: String, from first: PartialKeyPath<Table>, _ functions: [String], _ interface: Interface
  ) throws(PluginError) -> Lent<Table> {
    guard let pointer = interface(id) else { throw PluginError(.unsupported, "it offers no \(id)") }
    let size = pointer.loadUnaligned(as: UInt32.self)
    let start = MemoryLayout<Table>.offset(of: first) ?? 0, least = start + functions.count * MemoryLayout<UInt>.size
    guard size >= least else { throw PluginError(.unsupported, "its \(id) has \(size) bytes; revision 1 needs \(least)") }
    for (index, name) in functions.enumerated() where !name.hasPrefix("[") {
      let word = pointer.loadUnaligned(fromByteOffset: start + index * MemoryLayout<UInt>.size, as: UInt.self)
      guard word != 0 else { throw PluginError(.unsupported, "its \(id) has no function \(name)") }
    }
    return Lent(known(pointer, size: Int(size), as: type))
  }

  /// A copy of a struct that begins with its size, as far as both sides know it; the rest is zero.
  package static func known<Table>(_ pointer: UnsafeRawPointer, size: Int, as type: Table.Type) -> Table {
    withUnsafeTemporaryAllocation(byteCount: MemoryLayout<Table>.size, alignment: MemoryLayout<Table>.alignment) { memory in
      memory.initializeMemory(as: UInt8.self, repeating: 0)
      memory.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: min(size, memory.count)))
      return memory.load(as: type)
    }
  }
}

/// C pointers that the contract makes usable from any thread.
struct Lent<Value>: @unchecked Sendable {
  let value: Value
  init(_ value: Value) { self.value = value }
}

/// An instance that a C plugin made; destroyed with the last reference to it.
final class CInstance: @unchecked Sendable {  // the contract lets several threads use one instance
  typealias Create = @convention(c) (UnsafePointer<CChar>?, UnsafeMutablePointer<CChar>?, Int) -> UnsafeMutableRawPointer?
  typealias Destroy = @convention(c) (UnsafeMutableRawPointer?) -> Void

  let pointer: UnsafeMutableRawPointer
  private let destroy: Destroy?

  init(_ create: Create?, _ destroy: Destroy?, _ environment: PluginEnvironment) throws(PluginError) {
    var made: UnsafeMutableRawPointer?
    try callingC("create") { error, capacity in
      made = create?(environment.configurationJSON, error, capacity)
      return made == nil ? PluginError.Code.invalid.rawValue : 0
    }
    guard let made else { throw PluginError(.internalFailure, "create returned nothing") }
    (pointer, self.destroy) = (made, destroy)
  }

  deinit { destroy?(pointer) }
}

/// Calls a C function that returns a status and may write a sentence.
/// - Parameter known: what the host itself has seen go wrong meanwhile. Where the function hands its status on and writes
///   nothing, its sentence is the one to show.
/// - Throws: the status as a code with the sentence, or with the function's name where there is none.
package func callingC(
  _ function: String, known: () -> PluginError? = { nil }, _ body: (UnsafeMutablePointer<CChar>, Int) -> Int32
) throws(PluginError) {
  let capacity = 512
  let failure = withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer -> PluginError? in
    guard let error = buffer.baseAddress else { return PluginError(.internalFailure, "no memory for a message") }
    buffer[0] = 0
    let status = body(error, capacity)
    if status == 0 { return nil }
    // Whatever the plugin did with the buffer, reading stops at its end.
    buffer[capacity - 1] = 0
    let message = String(cString: error)
    if message.isEmpty, let known = known(), known.code.rawValue == status { return known }
    return PluginError(.init(rawValue: status), message.isEmpty ? "\(function) returned \(status) and gave no reason" : message)
  }
  if let failure { throw failure }
}

/// The object behind a context pointer that the host itself handed out for the length of a call.
func object<Object: AnyObject>(_ context: UnsafeRawPointer?, as type: Object.Type = Object.self) -> Object {
  guard let context else { preconditionFailure("a plugin called its host back without the context that it was given") }
  return Unmanaged.fromOpaque(context).takeUnretainedValue()
}

/// A status for C; `keep` gets the error with its sentence.
func statusForC(keeping keep: (PluginError) -> Void = { _ in }, _ body: () throws(PluginError) -> Void) -> Int32 {
  do throws(PluginError) {
    try body()
    return 0
  } catch {
    keep(error)
    return error.code.rawValue == 0 ? PluginError.Code.internalFailure.rawValue : error.code.rawValue
  }
}
