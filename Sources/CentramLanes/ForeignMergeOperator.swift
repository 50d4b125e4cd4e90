internal import CentramPluginAPI

/// A described C function as a merge operator: called once a block.
struct ForeignMergeOperator: TensorMerging {
  let info: MergeOperatorInfo
  let table: FunctionTable
  let function: ForeignFunction
  let services: any HostServices

  func merge(_ request: MergeRequest) throws(PluginError) {
    // The library knows nothing of what its table promises.
    let count = info.needs.contains(.baseAsInput) ? request.models.count : request.others.count
    guard info.inputs.contains(count), request.baseIndex != nil || !info.needs.contains(.base) else {
      throw PluginError(
        .invalid,
        "\(table.symbol) takes \(info.inputs.lowerBound) to \(info.inputs.upperBound) inputs\(info.needs.contains(.base) ? " and a base" : ""), not \(count)")
    }
    let arena = CArena()
    var fixed: [UInt64] = []
    for argument in table.arguments { fixed.append(try word(argument, request, arena)) }
    let words = fixed
    try request.forEachBlock(table.granularity) { (block) throws(PluginError) in
      var words = words, callbacks: [HostClosure] = []
      for (index, argument) in table.arguments.enumerated() {
        if let word = try self.word(argument, request, block, &callbacks) { words[index] = word }
      }
      let result = table.resultType.number(function(&words))
      withExtendedLifetime(callbacks) {}
      if table.result == .status, result != 0 {
        throw PluginError(.init(rawValue: Int32(clamping: Int(result))), "\(table.symbol) returned \(Int(result)) for \(request.tensor)")
      }
    }
    withExtendedLifetime(arena) {}
  }

  /// What stays the same for all blocks of a tensor; 0 for the rest.
  private func word(_ argument: FunctionTable.Argument, _ request: MergeRequest, _ arena: CArena) throws(PluginError) -> UInt64 {
    switch argument.role {
    case .constant: return try argument.type.word(argument.value, for: "a constant")
    case .seed: return request.seed
    case .inputCount: return try argument.type.word(whole: UInt64(request.models.count), for: "the number of inputs")
    case .parameter: return try argument.type.word(request.parameters.requiredNumber(argument.name), for: argument.name)
    case .inputParameters:
      var numbers: [Double] = []
      for input in request.models.indices { numbers.append(try request.parameters.requiredNumber(argument.name, input: input)) }
      return argument.elements == .f32 ? address(arena.array(numbers.map(Float.init))) : address(arena.array(numbers))
    case .input:
      guard argument.index < request.models.count else {
        throw PluginError(.shapeMismatch, "\(table.symbol) wants input \(argument.index), there are \(request.models.count)")
      }
      return 0
    default: return 0
    }
  }

  /// What differs from block to block; nil for the rest.
  private func word(
    _ argument: FunctionTable.Argument, _ request: MergeRequest, _ block: MergeBlock, _ callbacks: inout [HostClosure]
  ) throws(PluginError) -> UInt64? {
    switch argument.role {
    case .inputs: return address(block.inputs)
    case .input: return address(block.inputs[argument.index])
    case .output: return address(UnsafePointer(block.output))
    case .count: return try argument.type.word(whole: UInt64(block.count), for: "the count")
    case .offset: return try argument.type.word(whole: UInt64(block.offset), for: "the offset")
    case .valueAt:
      // float value(uint32_t input, uint64_t element_of_block)
      let inputs = request.models.count
      callbacks.append(
        try HostClosure(result: .f32, arguments: [.u32, .u64]) { argument in
          let input = argument(0)?.load(as: UInt32.self) ?? 0, element = argument(1)?.load(as: UInt64.self) ?? 0
          let isInside = input < inputs && element < UInt64(block.count)
          return UInt64((isInside ? block.inputs[Int(input)][Int(element)] : Float.nan).bitPattern)
        })
      return callbacks.last?.word
    case .uniformAt:
      // double uniform(uint64_t element_of_block)
      let stream = UniformStream(seed: request.seed, tensor: request.tensor)
      callbacks.append(
        try HostClosure(result: .f64, arguments: [.u64]) { argument in
          stream.number(at: UInt64(block.offset) &+ (argument(0)?.load(as: UInt64.self) ?? 0)).bitPattern
        })
      return callbacks.last?.word
    case .log:
      callbacks.append(try HostClosure.log(services))
      return callbacks.last?.word
    default: return nil
    }
  }

  private func address<T>(_ pointer: UnsafePointer<T>) -> UInt64 { UInt64(UInt(bitPattern: pointer)) }
}

/// Numbers in [0, 1) that depend on seed, tensor and element only, so that blocks and threads do not matter.
struct UniformStream {
  private let key: UInt64

  init(seed: UInt64, tensor: String) {
    // FNV-1a over the name, then mixed with the seed.
    let name = tensor.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    key = Self.mix(seed ^ Self.mix(name))
  }

  func number(at element: UInt64) -> Double { Double(Self.mix(key &+ element &* 0x9e37_79b9_7f4a_7c15) >> 11) * 0x1p-53 }

  /// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
  private static func mix(_ value: UInt64) -> UInt64 {
    var mixed = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
