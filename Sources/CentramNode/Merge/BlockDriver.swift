internal import CentramBlocks
public import CentramLanes
public import CentramPluginAPI
internal import Synchronization

/// Runs an operator's passes over one tensor: cuts it into blocks, converts inputs to float32, hands blocks to the
/// workers, passes the output on.
///
/// The cut depends on the tensor alone, so results do not depend on the number of threads.
public final class BlockDriver: DrivesRuns {
  /// Elements a block: small enough that a block of each input stays in the second-level cache.
  public static let blockSize = 16384
  /// Pieces that a tensor is cut into for reductions; as many threads can be busy.
  static let maximumStripes = 16

  private let shape: [Int]
  let count: Int
  let sources: [any TensorSource]
  let sink: (any TensorSink)?
  let pool: WorkerPool
  let isCancelled: @Sendable () -> Bool
  private let progress: @Sendable (_ elements: Int) -> Void
  private let preferredBlockSize: Int
  private let rejectsNonFinite: Bool
  private let memory: (any BlockMemory)?
  private let written = Atomic<Int>(0)
  /// What the host itself found wrong, which an operator's error does not say as well.
  private let found = Mutex<Finding?>(nil)
  /// Inputs known to be finite.
  private let checked = Mutex<Set<Int>>([])

  private enum Finding {
    case nonFinite(input: Int, element: Int)
    case sink(MergeError)
  }

  /// - Parameters:
  ///   - sources: one an input, each with as many elements as the shape says.
  ///   - sink: where the output goes; nil where the operator must not write.
  ///   - rejectsNonFinite: whether NaN and infinity in an input end the merge.
  ///   - memory: where blocks lie; nil: in this process's own memory.
  ///   - progress: called from the workers with the elements written.
  public init(
    shape: [Int], sources: [any TensorSource], sink: (any TensorSink)?, pool: WorkerPool, blockSize: Int = BlockDriver.blockSize,
    rejectsNonFinite: Bool = false, memory: (any BlockMemory)? = nil, isCancelled: @escaping @Sendable () -> Bool = { false },
    progress: @escaping @Sendable (_ elements: Int) -> Void = { _ in }
  ) {
    self.shape = shape
    self.count = shape.reduce(1, *)
    (self.sources, self.sink, self.pool, self.preferredBlockSize) = (sources, sink, pool, blockSize)
    (self.isCancelled, self.progress, self.rejectsNonFinite, self.memory) = (isCancelled, progress, rejectsNonFinite, memory)
  }

  /// Elements that came out so far.
  var elementsWritten: Int { written.load(ordering: .relaxed) }

  /// What went wrong on the host's side, in the user's words; nil where the operator failed.
  func failure(naming models: [String], tensors: [String]) -> MergeError? {
    switch found.withLock({ $0 }) {
    case nil: nil
    case .sink(let error)?: error
    case .nonFinite(let input, let element)?:
      MergeError(.input, "\(models[input]): \(tensors[input]) holds NaN or infinity at element \(element); --allow-nonfinite merges it all the same")
    }
  }

  func blockLength(_ granularity: BlockGranularity) -> Int {
    switch granularity {
    case .any: preferredBlockSize
    case .rows:
      { row in max(1, preferredBlockSize / row) * row }(max(1, shape.last ?? 1))
    case .whole: max(1, count)
    }
  }

  func blockCount(_ granularity: BlockGranularity) -> Int {
    let length = blockLength(granularity)
    return (count + length - 1) / length
  }

  public func stripeCount(_ granularity: BlockGranularity) -> Int { min(Self.maximumStripes, blockCount(granularity)) }

  public func run(
    _ granularity: BlockGranularity, inputs wanted: [Int]?, writingOutput: Bool,
    _ body: @Sendable (_ stripe: Int, _ block: MergeBlock) throws(PluginError) -> Void
  ) throws(PluginError) {
    try run(granularity, inputs: wanted, writingOutput: writingOutput, blocks: 1) { (stripe, block, _) throws(PluginError) in try body(stripe, block) }
  }

  public func run(
    _ granularity: BlockGranularity, inputs wanted: [Int]?, writingOutput: Bool, blocks most: Int,
    _ body: @Sendable (_ stripe: Int, _ blocks: MergeBlock, _ length: Int) throws(PluginError) -> Void
  ) throws(PluginError) {
    // No more than fit into what gathers the output.
    let most = max(1, min(most, Target.blocks))
    let wanted = try self.wanted(wanted, writingOutput: writingOutput)
    let blocks = blockCount(granularity), stripes = stripeCount(granularity), length = blockLength(granularity)
    let failure = Failure(), isFresh = isFresh
    let read = sources.indices.map { wanted.contains($0) ? sources[$0] : nil }
    withoutActuallyEscaping(body) { body in
      pool.run(pieces: stripes) { stripe, _ in
        // Where there is no room, the blocks lie here, and are copied by who cannot see them.
        let longest = max(1, min(most * length, count)), room = try? memory?.room(inputs: sources.count, length: longest)
        let buffers = BlockBuffers(inputs: sources.count, length: longest, memory: room.map { BlockRoomPlaces(inputs: $0.inputs, output: $0.output) })
        let target = writingOutput ? sink.map { Target($0, length: min(length, count), self) } : nil
        do throws(PluginError) {
          let part = elements(of: stripe, stripes, blocks, length)
          let found = try BlockLoop(read, checking: isFresh, in: buffers).run(offset: part.lowerBound, count: part.count, length: most * length) {
            (block) throws(PluginError) in
            guard !failure.isSet else { return false }
            guard !isCancelled() else { throw PluginError(.cancelled, "the merge was cancelled") }
            try body(stripe, block, length)
            try target?.take(offset: block.offset, block.output, count: block.count)
            return true
          }
          if let found { throw nonFinite(found) }
          if !failure.isSet { try target?.flush() }
        } catch {
          failure.set(error)
        }
        withExtendedLifetime(room) {}
      }
    }
    if let error = failure.error { throw error }
    didCheck(wanted)
  }

  /// The inputs of a pass.
  func wanted(_ inputs: [Int]?, writingOutput: Bool) throws(PluginError) -> [Int] {
    let wanted = inputs ?? Array(sources.indices)
    guard wanted.allSatisfy(sources.indices.contains) else {
      throw PluginError(.invalid, "asks for inputs \(wanted) of \(sources.count)")
    }
    guard !writingOutput || sink != nil else { throw PluginError(.invalid, "this request takes no output") }
    return wanted
  }

  /// For each input whether NaN and infinity are looked for: one that an earlier pass saw whole needs no second look.
  var isFresh: [Bool] { checked.withLock { known in sources.indices.map { rejectsNonFinite && !known.contains($0) } } }
  func didCheck(_ inputs: [Int]) {
    if rejectsNonFinite { checked.withLock { $0.formUnion(inputs) } }
  }

  /// The elements of a stripe, whole blocks but for the tensor's last.
  func elements(of stripe: Int, _ stripes: Int, _ blocks: Int, _ length: Int) -> Range<Int> {
    min(count, stripe * blocks / stripes * length)..<min(count, (stripe + 1) * blocks / stripes * length)
  }

  func nonFinite(_ found: BlockLoop.NonFinite) -> PluginError {
    self.found.withLock { $0 = $0 ?? .nonFinite(input: found.input, element: found.element) }
    return PluginError(.invalid, "input \(found.input) holds NaN or infinity at element \(found.element)")
  }

  /// Hands a stripe's output to the sink, several blocks at a time where the sink can gather.
  private final class Target {
    /// Blocks a write: large writes cost the system less.
    static let blocks = 8
    private let sink: any TensorSink
    private let gathering: (any GatheringSink)?
    private let buffer: UnsafeMutableRawBufferPointer
    private let driver: BlockDriver
    private var start = 0, elements = 0

    init(_ sink: any TensorSink, length: Int, _ driver: BlockDriver) {
      (self.sink, self.driver) = (sink, driver)
      gathering = length <= BlockDriver.blockSize ? sink as? any GatheringSink : nil
      buffer = .allocate(byteCount: (gathering?.elementSize ?? 0) * length * Self.blocks, alignment: 64)
    }

    deinit { buffer.deallocate() }

    func take(offset: Int, _ floats: UnsafePointer<Float>, count: Int) throws(PluginError) {
      guard let gathering else {
        try reporting { () throws(MergeError) in try sink.write(offset: offset, floats, count: count) }
        return driver.didWrite(count)
      }
      if elements == 0 { start = offset }
      let place = elements * gathering.elementSize
      try reporting { () throws(MergeError) in try gathering.encode(offset: offset, floats, count: count, into: buffer.baseAddress! + place) }
      elements += count
      if (elements + count) * gathering.elementSize > buffer.count { try flush() }
    }

    func flush() throws(PluginError) {
      guard let gathering, elements > 0 else { return }
      let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<(elements * gathering.elementSize)])
      try reporting { () throws(MergeError) in try gathering.write(offset: start, encoded: bytes) }
      driver.didWrite(elements)
      elements = 0
    }

    private func reporting(_ body: () throws(MergeError) -> Void) throws(PluginError) {
      do throws(MergeError) { try body() } catch { throw driver.refused(error) }
    }
  }

  func refused(_ error: MergeError) -> PluginError {
    found.withLock { $0 = $0 ?? .sink(error) }
    return PluginError(.inputOutput, error.message)
  }

  func didWrite(_ elements: Int) {
    written.wrappingAdd(elements, ordering: .relaxed)
    progress(elements)
  }

  /// The first error of a pass.
  final class Failure: Sendable {
    private let flag = Atomic<Bool>(false)
    private let first = Mutex<PluginError?>(nil)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    var error: PluginError? { first.withLock { $0 } }
    func set(_ error: PluginError) {
      first.withLock { if $0 == nil { $0 = error } }
      flag.store(true, ordering: .relaxed)
    }
  }
}
