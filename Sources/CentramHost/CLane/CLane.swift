internal import CentramPluginAPI
internal import Glibc

/// Makes the host's Swift protocols out of tables of C functions.
enum CLane {
  typealias Interface = @convention(c) (UnsafePointer<CChar>?) -> UnsafeRawPointer?

  /// - Throws: `interface` where the plugin has no table of its kind, or one that is too small.
  static func capability(_ kind: PluginKind, _ interface: Interface) throws(HostError) -> Capability {
    switch kind {
    case .mergeOperator:
      let table = try table(centram_merge_v1_t.self, "centram.merge/1", interface)
      return .mergeOperator { environment throws(PluginError) in try CMergeOperator(table.value, environment) }
    default:
      throw HostError(.init(.interface), "this host has no C table for the kind \(kind)")
    }
  }

  /// A copy of a plugin's table. It may be longer than this host knows, never shorter.
  private static func table<Table>(_ type: Table.Type, _ id: String, _ interface: Interface) throws(HostError) -> Lent<Table> {
    guard let pointer = interface(id) else { throw HostError(.init(.interface), "it offers no \(id)") }
    let size = pointer.loadUnaligned(as: UInt32.self)
    guard size >= MemoryLayout<Table>.size else {
      throw HostError(.init(.interface), "its \(id) has \(size) bytes; revision 1 needs \(MemoryLayout<Table>.size)")
    }
    return Lent(pointer.loadUnaligned(as: type))
  }
}

/// A C struct of a plugin's own pointers; the contract makes them usable from any thread.
struct Lent<Value>: @unchecked Sendable {
  let value: Value
  init(_ value: Value) { self.value = value }
}

/// An instance that a C plugin made; destroyed with the last reference to it.
final class CInstance: @unchecked Sendable {  // the contract lets several threads use one instance
  typealias Create = @convention(c) (UnsafePointer<CChar>?, UnsafeMutablePointer<CChar>?, Int) -> UnsafeMutableRawPointer?
  typealias Destroy = @convention(c) (UnsafeMutableRawPointer?) -> Void

  let pointer: UnsafeMutableRawPointer
  private let destroy: Destroy

  init(_ create: Create?, _ destroy: Destroy?, _ environment: PluginEnvironment) throws(PluginError) {
    guard let create, let destroy else { throw PluginError(.internalFailure, "the plugin's table lacks create or destroy") }
    var made: UnsafeMutableRawPointer?
    try callingC("create") { error, capacity in
      made = create(environment.configurationJSON, error, capacity)
      return made == nil ? PluginError.Code.invalid.rawValue : 0
    }
    guard let made else { throw PluginError(.internalFailure, "create returned nothing") }
    (pointer, self.destroy) = (made, destroy)
  }

  deinit { destroy(pointer) }
}

/// Calls a C function that returns a status and may write a sentence.
/// - Throws: the status as a code with the sentence, or with the function's name where it wrote none.
func callingC(_ function: String, _ body: (UnsafeMutablePointer<CChar>, Int) -> Int32) throws(PluginError) {
  let capacity = 512
  let failure = withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer -> PluginError? in
    guard let error = buffer.baseAddress else { return PluginError(.internalFailure, "no memory for a message") }
    (buffer[0], buffer[capacity - 1]) = (0, 0)
    let status = body(error, capacity)
    if status == 0 { return nil }
    // Whatever the plugin did with the buffer, reading stops at its end.
    buffer[capacity - 1] = 0
    let message = String(cString: error)
    return PluginError(.init(rawValue: status), message.isEmpty ? "\(function) returned \(status) and gave no reason" : message)
  }
  if let failure { throw failure }
}

extension Capability {
  /// The same capability, made with another environment.
  func wrapping(_ change: @escaping @Sendable (PluginEnvironment) -> PluginEnvironment) -> Capability {
    switch self {
    case .transport(let make): .transport { (it) throws(PluginError) in try make(change(it)) }
    case .mergeOperator(let make): .mergeOperator { (it) throws(PluginError) in try make(change(it)) }
    case .gateLayer(let make): .gateLayer { (it) throws(PluginError) in try make(change(it)) }
    case .trainer(let make): .trainer { (it) throws(PluginError) in try make(change(it)) }
    case .economyRule(let make): .economyRule { (it) throws(PluginError) in try make(change(it)) }
    @unknown default: self
    }
  }
}
