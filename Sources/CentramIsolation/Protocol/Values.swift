internal import CentramLanes
internal import CentramPluginAPI

// The API's values as payloads. What the plugin's process says is checked like everything that comes from it.

extension MessageWriter {
  mutating func add(_ value: ParameterValue) {
    switch value {
    case .number(let number):
      add(UInt8(0))
      add(number)
    case .boolean(let flag):
      add(UInt8(1))
      add(flag)
    case .string(let text):
      add(UInt8(2))
      add(text)
    @unknown default:
      add(UInt8(2))
      add(value.description)
    }
  }

  mutating func add(_ values: [String: ParameterValue]) {
    add(values.sorted { $0.key < $1.key }) { writer, pair in
      writer.add(pair.key)
      writer.add(pair.value)
    }
  }

  mutating func add(_ parameters: Parameters) {
    add(parameters.shared)
    add(parameters.perInput) { $0.add($1) }
  }

  mutating func add(_ specifications: [ParameterSpecification]) {
    add(specifications) { writer, one in
      writer.add(one.name)
      writer.add(one.summary)
      writer.add(one.type.rawValue)
      writer.add(one.scope.rawValue)
      writer.add(one.isRequired)
      writer.add(optional: one.defaultValue) { $0.add($1) }
      writer.add(optional: one.limits) { writer, limits in
        writer.add(limits.lowerBound)
        writer.add(limits.upperBound)
      }
    }
  }

  mutating func add(_ text: DescriptorText) {
    for field in [text.id, text.version, text.kind, text.summary, text.toolchain, text.fingerprint] { add(String(field.prefix(512))) }
    add(text.lanes)
    add(text.swiftMajor)
    add(text.swiftMinor)
  }
}

extension MessageReader {
  mutating func parameterValue() throws(ChannelError) -> ParameterValue {
    switch try number(UInt8.self) {
    case 0: .number(try double())
    case 1: .boolean(try flag())
    case 2: .string(try text())
    case let other: throw .broken("a parameter of type \(other)")
    }
  }

  mutating func parameterValues() throws(ChannelError) -> [String: ParameterValue] {
    var values: [String: ParameterValue] = [:]
    for _ in 0..<(try count(elementSize: 5)) {
      let name = try text(limit: 1024)
      values[name] = try parameterValue()
    }
    return values
  }

  mutating func parameters() throws(ChannelError) -> Parameters {
    let shared = try parameterValues()
    return Parameters(shared: shared, perInput: try elements(elementSize: 4) { (it) throws(ChannelError) in try it.parameterValues() })
  }

  mutating func specifications() throws(ChannelError) -> [ParameterSpecification] {
    try elements(elementSize: 19, limit: 1024) { (it) throws(ChannelError) in try it.specification() }
  }

  private mutating func specification() throws(ChannelError) -> ParameterSpecification {
    let name = try text(limit: 256), summary = try text(limit: 4096)
    let type = ParameterSpecification.ValueType(rawValue: try number()), scope = ParameterSpecification.Scope(rawValue: try number())
    guard let type, let scope, !name.isEmpty else { throw .broken("a parameter \"\(name)\" of a type or scope that there is not") }
    let isRequired = try flag()
    let value = try optional { (it) throws(ChannelError) in try it.parameterValue() }
    let limits = try optional { (it) throws(ChannelError) in (try it.double(), try it.double()) }
    guard limits.map({ $0.0 <= $0.1 }) ?? true else { throw .broken("limits of the parameter \(name) that are empty") }
    return ParameterSpecification(name, type, scope, default: value, required: isRequired, limits: limits.map { $0.0...$0.1 }, summary)
  }

  mutating func descriptorText() throws(ChannelError) -> DescriptorText {
    var text = DescriptorText()
    text.id = try self.text(limit: 4096)
    text.version = try self.text(limit: 4096)
    text.kind = try self.text(limit: 4096)
    text.summary = try self.text(limit: 4096)
    text.toolchain = try self.text(limit: 4096)
    text.fingerprint = try self.text(limit: 4096)
    text.lanes = try number()
    text.swiftMajor = try number()
    text.swiftMinor = try number()
    return text
  }
}
