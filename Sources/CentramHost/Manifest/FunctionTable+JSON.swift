internal import CentramLanes
internal import CentramPluginAPI

/// Reads the description of a function table from `plugin.json`: the keys `functions`, `parameters` and `needs`.
extension FunctionTable {
  init(from fields: KeyedDecodingContainer<JSONKey>, kind: PluginKind) throws {
    let name: JSONKey = kind == .mergeOperator ? "merge_block" : "judge"
    try PluginManifest.require(
      kind == .mergeOperator || kind == .gateLayer, "the ffi lane serves the kinds merge-operator and gate-layer, not \(kind)")
    try PluginManifest.require(fields.contains("functions"), "the ffi lane needs functions")
    let functions = try fields.superDecoder(forKey: "functions").fields(name)
    let function = try functions.decode(FunctionJSON.self, forKey: name)
    let parameters = try fields.decodeIfPresent([ParameterJSON].self, forKey: "parameters")?.map(\.specification) ?? []
    let needs = try fields.decodeIfPresent(NeedsJSON.self, forKey: "needs") ?? NeedsJSON()
    let roles = Role.known(to: kind)
    for argument in function.arguments {
      try PluginManifest.require(
        roles.contains(argument.role), "a \(kind) has no argument \(argument.role.rawValue); there are \(roles.map(\.rawValue).joined(separator: ", "))")
      let wanted = argument.role == .inputParameters ? ParameterSpecification.Scope.perInput : .shared
      let isNamed = argument.role == .parameter || argument.role == .inputParameters
      try PluginManifest.require(
        !isNamed || parameters.contains { $0.name == argument.name && $0.scope == wanted && $0.type != .string },
        "the argument \(argument.role.rawValue) \"\(argument.name)\" needs a \(wanted == .shared ? "shared" : "per-input") number of this name in parameters")
    }
    let isGate = kind == .gateLayer
    try PluginManifest.require(isGate || function.result == .nothing || function.result == .status, "merge_block results in nothing or a status")
    let merge = MergeOperatorInfo(needs: needs.merge, inputs: needs.inputs, parameters: parameters)
    let gate = GateLayerInfo(position: needs.position, directions: needs.directions, parameters: parameters)
    self.init(
      symbol: function.symbol, arguments: function.arguments, result: function.result, resultType: function.resultType, parameters: parameters,
      merge: isGate ? nil : merge, granularity: needs.granularity, gate: isGate ? gate : nil)
  }
}

private struct FunctionJSON: Decodable {
  var symbol: String, arguments: [FunctionTable.Argument], result: FunctionTable.Result, resultType: FunctionTable.ValueType

  init(from decoder: any Decoder) throws {
    let fields = try decoder.fields("symbol", "arguments", "result")
    symbol = try fields.decode(String.self, forKey: "symbol")
    arguments = try fields.decode([ArgumentJSON].self, forKey: "arguments").map(\.argument)
    try PluginManifest.require(!symbol.isEmpty && arguments.count <= 32, "a function has a symbol and at most 32 arguments")
    guard fields.contains("result") else { (result, resultType) = (.nothing, .void); return }
    let answer = try fields.superDecoder(forKey: "result").fields("role", "type", "accept")
    resultType = try answer.value("type")
    let role = try answer.decode(String.self, forKey: "role")
    switch role {
    case "status": result = .status
    case "decision": result = .decision
    case "score":
      let range = try answer.decode([Double].self, forKey: "accept")
      try PluginManifest.require(range.count == 2 && range[0] <= range[1], "accept of a score must be [lowest, highest]")
      result = .score(range[0]...range[1])
    default: throw HostError(.manifest, "the result's role is \"\(role)\"; it must be status, decision or score")
    }
    let types: [FunctionTable.ValueType] = role == "score" ? [.f32, .f64] : [.i32]
    try PluginManifest.require(types.contains(resultType), "a \(role) has the type \(types.map(\.rawValue).joined(separator: " or ")), not \(resultType.rawValue)")
  }
}

private struct ArgumentJSON: Decodable {
  var argument: FunctionTable.Argument
  init(from decoder: any Decoder) throws {
    let fields = try decoder.fields("role", "type", "name", "index", "value", "elements")
    let role: FunctionTable.Role = try fields.value("role"), type: FunctionTable.ValueType = try fields.value("type")
    try PluginManifest.require(
      role.isPointer == (type == .pointer) && type != .void, "the argument \(role.rawValue) cannot have the type \(type.rawValue)")
    try PluginManifest.require(role != .seed || type == .u64, "the argument seed has the type u64")
    argument = .init(role: role, type: type)
    if role == .constant { argument.value = try fields.decode(Double.self, forKey: "value") }
    if role == .input { argument.index = try fields.decode(Int.self, forKey: "index") }
    try PluginManifest.require((0..<1024).contains(argument.index), "the index \(argument.index) of an input must be 0 to 1023")
    if role == .parameter || role == .inputParameters { argument.name = try fields.decode(String.self, forKey: "name") }
    if role == .inputParameters {
      argument.elements = try fields.value("elements")
      try PluginManifest.require([.f32, .f64].contains(argument.elements), "elements of input_parameters are f32 or f64")
    }
  }
}

private struct ParameterJSON: Decodable {
  var specification: ParameterSpecification
  init(from decoder: any Decoder) throws {
    let fields = try decoder.fields("name", "type", "scope", "required", "default", "limits", "summary")
    let types: [String: ParameterSpecification.ValueType] = ["number": .number, "integer": .integer, "boolean": .boolean]
    let scopes: [String: ParameterSpecification.Scope] = ["shared": .shared, "per-input": .perInput]
    let typeName = try fields.decode(String.self, forKey: "type"), scopeName = try fields.decodeIfPresent(String.self, forKey: "scope") ?? "shared"
    guard let type = types[typeName], let scope = scopes[scopeName] else {
      throw HostError(.manifest, "a parameter is a number, integer or boolean, and shared or per-input; this one is \(typeName) and \(scopeName)")
    }
    let value: ParameterValue? =
      type == .boolean
      ? try fields.decodeIfPresent(Bool.self, forKey: "default").map { .boolean($0) }
      : try fields.decodeIfPresent(Double.self, forKey: "default").map { .number($0) }
    let limits = try fields.decodeIfPresent([Double].self, forKey: "limits")
    try PluginManifest.require(limits.map { $0.count == 2 && $0[0] <= $0[1] } ?? true, "limits of a parameter must be [lowest, highest]")
    specification = ParameterSpecification(
      try fields.decode(String.self, forKey: "name"), type, scope, default: value,
      required: try fields.decodeIfPresent(Bool.self, forKey: "required") ?? false, limits: limits.map { $0[0]...$0[1] },
      try fields.decodeIfPresent(String.self, forKey: "summary") ?? "")
  }
}

private struct NeedsJSON: Decodable {
  var merge: MergeNeeds = [], inputs = 1...64, granularity = BlockGranularity.any
  var position = 11, directions: Set<GateDirection> = [.inbound]

  init() {}

  init(from decoder: any Decoder) throws {
    let fields = try decoder.fields("base", "base_is_input", "seed", "inputs", "blocks", "position", "directions")
    for (key, need) in [("base", MergeNeeds.base), ("base_is_input", .baseAsInput), ("seed", .seed)] as [(JSONKey, MergeNeeds)] {
      if try fields.decodeIfPresent(Bool.self, forKey: key) ?? false { merge.insert(need) }
    }
    if let range = try fields.decodeIfPresent([Int].self, forKey: "inputs") {
      try PluginManifest.require(range.count == 2 && range[0] >= 1 && range[0] <= range[1], "inputs of needs must be [least, most]")
      inputs = range[0]...range[1]
    }
    let blocks = try fields.decodeIfPresent(String.self, forKey: "blocks") ?? "any"
    guard let granularity = ["any": BlockGranularity.any, "rows": .rows, "whole": .whole][blocks] else {
      throw HostError(.manifest, "blocks of needs is \"\(blocks)\"; it must be any, rows or whole")
    }
    self.granularity = granularity
    position = try fields.decodeIfPresent(Int.self, forKey: "position") ?? position
    try PluginManifest.require((1...1_000_000).contains(position), "position \(position) of needs must be 1 to 1,000,000")
    if let names = try fields.decodeIfPresent([String].self, forKey: "directions") {
      directions = Set(names.compactMap { ["inbound": .inbound, "outbound": .outbound][$0] })
      try PluginManifest.require(!names.isEmpty && directions.count == names.count, "directions of needs are inbound and outbound, each at most once")
    }
  }
}

extension KeyedDecodingContainer<JSONKey> {
  /// A value of a closed set of words.
  fileprivate func value<Value: RawRepresentable<String> & CaseIterable>(_ key: JSONKey) throws -> Value {
    let text = try decode(String.self, forKey: key)
    guard let value = Value(rawValue: text) else {
      let names = Value.allCases.map(\.rawValue)
      throw HostError(.manifest, "\(key.stringValue) \"\(text.prefix(32))\" is unknown\(NearestName.hint(for: text, among: names)); there are \(names.joined(separator: ", "))")
    }
    return value
  }
}
