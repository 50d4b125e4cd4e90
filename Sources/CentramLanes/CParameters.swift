internal import CentramPluginAPI
internal import Synchronization

/// C strings and arrays that live as long as one call. Most calls need a few hundred bytes, so they are cut from one piece.
final class CArena: Sendable {
  private struct State {
    var rest = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    var pieces: [UnsafeMutableRawBufferPointer] = []
  }
  private let state = Mutex(State())

  func string(_ text: String) -> UnsafePointer<CChar>? {
    var text = text
    return text.withUTF8 { utf8 in
      let copy = allocate(utf8.count + 1)
      UnsafeMutableRawBufferPointer(start: copy, count: utf8.count).copyMemory(from: UnsafeRawBufferPointer(utf8))
      copy.storeBytes(of: 0, toByteOffset: utf8.count, as: UInt8.self)
      return UnsafePointer(copy.assumingMemoryBound(to: CChar.self))
    }
  }

  func array<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafePointer<Element> {
    let copy = allocate(elements.count * MemoryLayout<Element>.stride).assumingMemoryBound(to: Element.self)
    copy.initialize(from: elements, count: elements.count)
    return UnsafePointer(copy)
  }

  private func allocate(_ count: Int) -> UnsafeMutableRawPointer {
    let size = max(16, (count + 15) & ~15)
    let start = state.withLock { state in
      if state.rest.count < size {
        state.rest = .allocate(byteCount: max(size, 1024), alignment: 16)
        state.pieces.append(state.rest)
      }
      defer { state.rest = UnsafeMutableRawBufferPointer(rebasing: state.rest[size...]) }
      return Lent(state.rest.baseAddress)
    }
    guard let start = start.value else { preconditionFailure("out of memory for \(count) bytes") }
    return start
  }

  func bytes(_ bytes: [UInt8]) -> centram_bytes_t { centram_bytes_t(data: array(bytes), count: UInt64(bytes.count)) }

  deinit { state.withLock { for piece in $0.pieces { piece.deallocate() } } }
}

extension CArena {
  /// Parameters as the C lane looks them up; `holder` must outlive the result.
  static func parameters(_ holder: CParameters) -> centram_parameters_t {
    var table = centram_parameters_t()
    table.struct_size = UInt32(MemoryLayout<centram_parameters_t>.size)
    table.context = UnsafeRawPointer(Unmanaged.passUnretained(holder).toOpaque())
    table.number = { context, name, input, value in
      guard let found = CParameters.look(context, name, input) else { return 0 }
      switch found {
      case .number(let number): value?.pointee = number
      case .boolean(let flag): value?.pointee = flag ? 1 : 0
      default: return 0
      }
      return 1
    }
    table.boolean = { context, name, input, value in
      guard let found = CParameters.look(context, name, input) else { return 0 }
      switch found {
      case .number(let number): value?.pointee = number != 0 ? 1 : 0
      case .boolean(let flag): value?.pointee = flag ? 1 : 0
      default: return 0
      }
      return 1
    }
    table.string = { context, name, input, value in
      guard let found = CParameters.look(context, name, input), let context else { return 0 }
      value?.pointee = Unmanaged<CParameters>.fromOpaque(context).takeUnretainedValue().arena.string(found.description)
      return 1
    }
    return table
  }
}

/// One call's parameters with the memory for the texts among them.
final class CParameters: Sendable {
  let arena: CArena
  private let parameters: Parameters
  init(_ parameters: Parameters, _ arena: CArena) { (self.parameters, self.arena) = (parameters, arena) }

  static func look(_ context: UnsafeRawPointer?, _ name: UnsafePointer<CChar>?, _ input: Int32) -> ParameterValue? {
    guard let context, let name else { return nil }
    let own = Unmanaged<CParameters>.fromOpaque(context).takeUnretainedValue()
    return own.parameters.value(String(cString: name), input: input < 0 ? nil : Int(input))
  }
}

extension ParameterSpecification {
  /// What a C plugin says of its parameters.
  /// - Throws: `.internalFailure` where one of them makes no sense.
  static func list(_ start: UnsafePointer<centram_parameter_t>?, count: Int) throws(PluginError) -> [ParameterSpecification] {
    var list: [ParameterSpecification] = []
    for parameter in UnsafeBufferPointer(start: start, count: start == nil ? 0 : count) {
      let name = parameter.name.map { String(cString: $0) } ?? ""
      guard !name.isEmpty, let type = ValueType(rawValue: parameter.type), let scope = Scope(rawValue: parameter.scope) else {
        throw PluginError(.internalFailure, "the plugin describes a parameter \"\(name)\" of type \(parameter.type) and scope \(parameter.scope), which there is not")
      }
      let text = parameter.required == 0 ? parameter.default_value.map { String(cString: $0) } : nil
      let value = try text.map { (text) throws(PluginError) in try defaultValue(text, type, of: name) }
      let hasLimits = parameter.has_limits != 0
      guard !hasLimits || parameter.minimum <= parameter.maximum else {
        throw PluginError(.internalFailure, "the plugin limits its parameter \(name) to \(parameter.minimum)...\(parameter.maximum), which is empty")
      }
      list.append(
        ParameterSpecification(
          name, type, scope, default: value, required: parameter.required != 0, limits: hasLimits ? parameter.minimum...parameter.maximum : nil,
          parameter.summary.map { String(cString: $0) } ?? ""))
    }
    return list
  }

  static func defaultValue(_ text: String, _ type: ValueType, of name: String) throws(PluginError) -> ParameterValue {
    switch type {
    case .string: return .string(text)
    case .boolean: if text == "true" || text == "false" { return .boolean(text == "true") }
    case .number, .integer: if let number = Double(text), type == .number || number == number.rounded() { return .number(number) }
    }
    throw PluginError(.internalFailure, "the plugin gives its parameter \(name) the default \"\(text)\", which is not a \(type)")
  }
}
