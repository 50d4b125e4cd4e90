internal import CFFI
internal import CentramPluginAPI

/// A C function that is called by its description.
///
/// An argument travels in a word of eight bytes with its value in the low ones, where the processor (little endian)
/// also finds a shorter type.
final class ForeignFunction: @unchecked Sendable {  // prepared once, only read afterwards
  private let address: @convention(c) () -> Void
  private let interface: CallInterface

  init(_ address: UnsafeMutableRawPointer, result: FunctionTable.ValueType, arguments: [FunctionTable.ValueType]) throws(PluginError) {
    self.address = unsafeBitCast(address, to: (@convention(c) () -> Void).self)
    interface = try CallInterface(result: result, arguments: arguments)
  }

  /// Calls the function and returns its result as a word.
  func callAsFunction(_ words: inout [UInt64]) -> UInt64 {
    precondition(words.count == interface.count, "\(words.count) words for \(interface.count) arguments")
    var result: UInt64 = 0
    words.withUnsafeMutableBufferPointer { words in
      withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: max(1, words.count)) { pointers in
        for index in words.indices { pointers[index] = UnsafeMutableRawPointer(words.baseAddress.map { $0 + index }) }
        ffi_call(interface.cif, address, &result, pointers.baseAddress)
      }
    }
    return result
  }
}

/// A C function pointer without user data behind which a Swift closure stands. Valid as long as this object lives.
final class HostClosure {
  typealias Body = (_ argument: (Int) -> UnsafeMutableRawPointer?) -> UInt64

  let code: UnsafeMutableRawPointer
  private let closure: UnsafeMutableRawPointer
  private let interface: CallInterface
  private let body: Body

  init(result: FunctionTable.ValueType, arguments: [FunctionTable.ValueType], _ body: @escaping Body) throws(PluginError) {
    interface = try CallInterface(result: result, arguments: arguments)
    self.body = body
    var code: UnsafeMutableRawPointer?
    guard let closure = ffi_closure_alloc(MemoryLayout<ffi_closure>.size, &code), let code else {
      throw PluginError(.internalFailure, "the system gives no memory for a callback")
    }
    (self.closure, self.code) = (closure, code)
    let status = ffi_prep_closure_loc(
      closure.assumingMemoryBound(to: ffi_closure.self), interface.cif,
      { _, result, arguments, own in
        let value = object(own, as: HostClosure.self).body { arguments?[$0] }
        result?.storeBytes(of: value, as: UInt64.self)
      }, Unmanaged.passUnretained(self).toOpaque(), code)
    guard status == FFI_OK else { throw PluginError(.internalFailure, "libffi makes no callback: \(status)") }
  }

  var word: UInt64 { UInt64(UInt(bitPattern: code)) }

  /// `void log(const char *line)`
  static func log(_ services: any HostServices) throws(PluginError) -> HostClosure {
    try HostClosure(result: .void, arguments: [.pointer]) { argument in
      services.log(.info, text(argument(0)))
      return 0
    }
  }

  /// The text that an argument points to.
  static func text(_ cell: UnsafeMutableRawPointer?) -> String {
    cell?.load(as: UnsafePointer<CChar>?.self).map { String(cString: $0) } ?? ""
  }

  deinit { ffi_closure_free(closure) }
}

/// Types as libffi wants them; they must outlive every call.
private final class CallInterface {
  let cif = UnsafeMutablePointer<ffi_cif>.allocate(capacity: 1)
  let count: Int
  private let types: UnsafeMutablePointer<UnsafeMutablePointer<ffi_type>?>
  private let storage: UnsafeMutablePointer<ffi_type>

  init(result: FunctionTable.ValueType, arguments: [FunctionTable.ValueType]) throws(PluginError) {
    count = arguments.count
    types = .allocate(capacity: max(1, count))
    storage = .allocate(capacity: count + 1)
    for (index, type) in ([result] + arguments).enumerated() { (storage + index).initialize(to: type.description) }
    for index in 0..<count { (types + index).initialize(to: storage + index + 1) }
    let status = ffi_prep_cif(cif, FFI_DEFAULT_ABI, UInt32(count), storage, types)
    guard status == FFI_OK else { throw PluginError(.unsupported, "libffi cannot call a function of this signature: \(status)") }
  }

  deinit {
    cif.deallocate()
    types.deallocate()
    storage.deallocate()
  }
}

extension FunctionTable.ValueType {
  fileprivate var description: ffi_type {
    let (size, code): (Int, Int32) =
      switch self {
      case .i32: (4, FFI_TYPE_SINT32)
      case .u32: (4, FFI_TYPE_UINT32)
      case .i64: (8, FFI_TYPE_SINT64)
      case .u64: (8, FFI_TYPE_UINT64)
      case .f32: (4, FFI_TYPE_FLOAT)
      case .f64: (8, FFI_TYPE_DOUBLE)
      case .pointer: (8, FFI_TYPE_POINTER)
      case .void: (1, FFI_TYPE_VOID)
      }
    return ffi_type(size: size, alignment: UInt16(size), type: UInt16(code), elements: nil)
  }

  /// A number as a word of this type.
  /// - Throws: `.invalid` where the type cannot hold it.
  func word(_ number: Double, for name: String) throws(PluginError) -> UInt64 {
    let word: UInt64? =
      switch self {
      case .f32: UInt64(Float(number).bitPattern)
      case .f64: number.bitPattern
      case .i32: Int32(exactly: number).map { UInt64(UInt32(bitPattern: $0)) }
      case .u32: UInt32(exactly: number).map(UInt64.init)
      case .i64: Int64(exactly: number).map { UInt64(bitPattern: $0) }
      case .u64: UInt64(exactly: number)
      case .pointer, .void: nil
      }
    guard let word else { throw PluginError(.invalid, "\(name) is \(number), which the C type \(rawValue) cannot hold") }
    return word
  }

  /// A whole number as a word of this type.
  func word(whole number: UInt64, for name: String) throws(PluginError) -> UInt64 {
    switch self {
    case .u64: return number
    case .i64 where number <= UInt64(Int64.max): return number
    default: return try word(Double(number), for: name)
    }
  }

  /// A function's result as a number.
  func number(_ word: UInt64) -> Double {
    switch self {
    case .f32: Double(Float(bitPattern: UInt32(truncatingIfNeeded: word)))
    case .f64: Double(bitPattern: word)
    case .i32: Double(Int32(truncatingIfNeeded: word))
    case .u32: Double(UInt32(truncatingIfNeeded: word))
    case .i64: Double(Int64(bitPattern: word))
    case .u64, .pointer, .void: Double(word)
    }
  }
}
