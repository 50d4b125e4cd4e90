internal import CentramLanes
internal import CentramPluginAPI

extension MessageWriter {
  mutating func add(_ table: FunctionTable) {
    add(table.symbol)
    add(table.arguments) { writer, argument in
      for name in [argument.role.rawValue, argument.type.rawValue, argument.elements.rawValue, argument.name] { writer.add(name) }
      writer.add(UInt64(clamping: argument.index))
      writer.add(argument.value)
    }
    switch table.result {
    case .nothing: add(UInt8(0))
    case .status: add(UInt8(1))
    case .decision: add(UInt8(2))
    case .score(let accepted):
      add(UInt8(3))
      add(accepted.lowerBound)
      add(accepted.upperBound)
    }
    add(table.resultType.rawValue)
    add(table.parameters)
    add(optional: table.merge) { $0.add($1, []) }
    add(table.granularity.rawValue)
    add(optional: table.gate) { $0.add($1) }
  }
}

extension MessageReader {
  mutating func functionTable() throws(ChannelError) -> FunctionTable {
    let symbol = try text(limit: 4096)
    let arguments = try elements(elementSize: 32, limit: 1024) { (it) throws(ChannelError) in
      let role = try it.text(limit: 64), type = try it.valueType(), elements = try it.valueType(), name = try it.text(limit: 4096)
      guard let known = FunctionTable.Role(rawValue: role) else { throw .broken("an argument for \(role)") }
      return FunctionTable.Argument(role: known, type: type, name: name, index: try it.size(limit: .max), value: try it.double(), elements: elements)
    }
    let result = try functionResult(), type = try valueType(), parameters = try specifications()
    let merge = try optional { (it) throws(ChannelError) in try it.mergeOperatorInfo().info }
    let number: Int32 = try self.number()
    guard let granularity = BlockGranularity(rawValue: number) else { throw .broken("granularity \(number)") }
    return FunctionTable(
      symbol: symbol, arguments: arguments, result: result, resultType: type, parameters: parameters, merge: merge, granularity: granularity,
      gate: try optional { (it) throws(ChannelError) in try it.gateLayerInfo() })
  }

  private mutating func valueType() throws(ChannelError) -> FunctionTable.ValueType {
    let name = try text(limit: 64)
    guard let type = FunctionTable.ValueType(rawValue: name) else { throw .broken("a value of type \(name)") }
    return type
  }

  private mutating func functionResult() throws(ChannelError) -> FunctionTable.Result {
    switch try number(UInt8.self) {
    case 0: return .nothing
    case 1: return .status
    case 2: return .decision
    case 3:
      let lowest = try double(), highest = try double()
      guard lowest <= highest else { throw .broken("a score from \(lowest) to \(highest)") }
      return .score(lowest...highest)
    case let other: throw .broken("a result of kind \(other)")
    }
  }
}
