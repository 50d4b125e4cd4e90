internal import CentramPluginAPI
internal import Synchronization

/// `centram.merge/1` as a Swift merge operator. Blocks are lent through: no element is copied.
struct CMergeOperator: TensorMerging {
  let info: MergeOperatorInfo
  private let table: Lent<centram_merge_v1_t>
  private let instance: CInstance

  init(_ table: centram_merge_v1_t, _ environment: PluginEnvironment) throws(PluginError) {
    let most = table.maximum_inputs == 0 ? Int(UInt32.max) : Int(table.maximum_inputs)
    guard table.minimum_inputs <= most else {
      throw PluginError(.internalFailure, "the plugin takes at least \(table.minimum_inputs) and at most \(most) inputs, which is nothing")
    }
    info = MergeOperatorInfo(
      needs: MergeNeeds(rawValue: table.flags), inputs: Int(table.minimum_inputs)...most,
      parameters: try ParameterSpecification.list(table.parameters, count: table.parameter_count))
    self.table = Lent(table)
    instance = try CInstance(table.create, table.destroy, environment)
  }

  func merge(_ request: MergeRequest) throws(PluginError) {
    guard let merge = table.value.merge else { return }
    let call = CMergeCall(request)
    try call.withTable { (table) throws(PluginError) in
      try callingC("merge", known: { call.hostError.withLock { $0 } }) { merge(instance.pointer, table, $0, $1) }
    }
  }
}

/// One call of `merge`: what its C request points to.
private final class CMergeCall: Sendable {
  let request: MergeRequest
  let hostError = Mutex<PluginError?>(nil)
  private let arena = CArena()

  init(_ request: MergeRequest) { self.request = request }

  func withTable(_ body: (UnsafePointer<centram_merge_request_t>) throws(PluginError) -> Void) throws(PluginError) {
    let holder = CParameters(request.parameters, arena)
    var parameters = CArena.parameters(holder)
    var table = centram_merge_request_t()
    table.struct_size = UInt32(MemoryLayout<centram_merge_request_t>.size)
    table.base_index = Int32(request.baseIndex ?? -1)
    (table.input_count, table.rank) = (UInt32(request.models.count), UInt32(request.shape.count))
    (table.tensor, table.shape) = (arena.string(request.tensor), arena.array(request.shape.map(UInt64.init)))
    (table.count, table.seed) = (UInt64(request.count), request.seed)
    table.models = arena.array(request.models.map(arena.string))
    table.context = UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
    table.for_each_block = { context, granularity, inputs, count, body, user in
      CMergeCall.at(context).forEachBlock(granularity, CMergeCall.wanted(inputs, count), Lent((body, user)))
    }
    table.reduce = { context, granularity, inputs, count, size, body, combine, user, result in
      CMergeCall.at(context).reduce(granularity, CMergeCall.wanted(inputs, count), size, Lent((body, combine, user)), result)
    }
    table.mask = { context, input, offset, count, mask in
      let request = CMergeCall.at(context).request
      guard Int(input) < request.models.count, let mask, let offset = Int(exactly: offset), let count = Int(exactly: count) else { return 0 }
      return request.fillMask(UnsafeMutableBufferPointer(start: mask, count: count), input: Int(input), offset: offset) ? 1 : 0
    }
    defer { withExtendedLifetime((self, holder)) {} }
    try withUnsafePointer(to: &parameters) { (lent) throws(PluginError) in
      table.parameters = lent
      try body(&table)
    }
  }

  typealias Body = @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<centram_merge_block_t>?) -> Int32
  typealias Fold = @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UnsafePointer<centram_merge_block_t>?) -> Int32
  typealias Combine = @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UnsafeRawPointer?) -> Void

  private func forEachBlock(_ granularity: Int32, _ inputs: [Int]?, _ lent: Lent<(Body?, UnsafeMutableRawPointer?)>) -> Int32 {
    status { () throws(PluginError) in
      let (granularity, inputs) = try checked(granularity, inputs)
      guard let body = lent.value.0 else { throw PluginError(.invalid, "for_each_block got no body") }
      try request.driver.run(granularity, inputs: inputs, writingOutput: true) { (_, block) throws(PluginError) in
        try withBlock(block, inputs, output: block.output) { body(lent.value.1, $0) }
      }
    }
  }

  private func reduce(
    _ granularity: Int32, _ inputs: [Int]?, _ size: Int, _ lent: Lent<(Fold?, Combine?, UnsafeMutableRawPointer?)>, _ result: UnsafeMutableRawPointer?
  ) -> Int32 {
    status { () throws(PluginError) in
      let (granularity, inputs) = try checked(granularity, inputs)
      guard let fold = lent.value.0, let combine = lent.value.1, let result, (1...(1 << 30)).contains(size) else {
        throw PluginError(.invalid, "reduce needs a body, a combine, a result and a state of 1 byte to 1 GiB (\(size))")
      }
      // Stripes run at once; states that share no cache line do not slow each other down.
      let stride = (size + 63) & ~63, count = max(1, request.driver.stripeCount(granularity))
      let states = UnsafeMutableRawBufferPointer.allocate(byteCount: stride * count, alignment: 64)
      defer { states.deallocate() }
      states.initializeMemory(as: UInt8.self, repeating: 0)
      let shared = Lent(states)
      try request.driver.run(granularity, inputs: inputs, writingOutput: false) { (stripe, block) throws(PluginError) in
        let state = UnsafeMutableRawBufferPointer(rebasing: shared.value[(stripe * stride)...]).baseAddress
        try withBlock(block, inputs, output: nil) { fold(lent.value.2, state, $0) }
      }
      UnsafeMutableRawBufferPointer(start: result, count: size).copyMemory(from: UnsafeRawBufferPointer(rebasing: states[..<size]))
      for index in 1..<count { combine(lent.value.2, result, UnsafeRawBufferPointer(rebasing: states[(index * stride)...]).baseAddress) }
    }
  }

  /// Lends one block. Inputs that were not asked for are NULL.
  private func withBlock(
    _ block: MergeBlock, _ inputs: [Int]?, output: UnsafeMutablePointer<Float>?, _ body: (UnsafePointer<centram_merge_block_t>) -> Int32
  ) throws(PluginError) {
    let count = request.models.count
    let status = withUnsafeTemporaryAllocation(of: UnsafePointer<Float>?.self, capacity: max(1, count)) { pointers in
      for input in 0..<count { pointers[input] = inputs?.contains(input) ?? true ? block.inputs[input] : nil }
      var table = centram_merge_block_t()
      (table.struct_size, table.input_count) = (UInt32(MemoryLayout<centram_merge_block_t>.size), UInt32(count))
      (table.offset, table.count) = (UInt64(block.offset), UInt64(block.count))
      (table.inputs, table.output) = (UnsafePointer(pointers.baseAddress), output)
      return body(&table)
    }
    if status != 0 { throw PluginError(.init(rawValue: status), "") }
  }

  private func checked(_ granularity: Int32, _ inputs: [Int]?) throws(PluginError) -> (BlockGranularity, [Int]?) {
    guard let known = BlockGranularity(rawValue: granularity) else { throw PluginError(.invalid, "granularity \(granularity) is none of 0, 1 and 2") }
    if let wrong = inputs?.first(where: { $0 >= request.models.count }) {
      throw PluginError(.invalid, "input \(wrong) was asked for, there are \(request.models.count)")
    }
    return (known, inputs)
  }

  private func status(_ body: () throws(PluginError) -> Void) -> Int32 {
    statusForC(keeping: { error in if !error.message.isEmpty { hostError.withLock { $0 = error } } }, body)
  }

  private static func at(_ context: UnsafeRawPointer?) -> CMergeCall { object(context) }

  private static func wanted(_ inputs: UnsafePointer<UInt32>?, _ count: Int) -> [Int]? {
    inputs.map { UnsafeBufferPointer(start: $0, count: count).map(Int.init) }
  }
}
