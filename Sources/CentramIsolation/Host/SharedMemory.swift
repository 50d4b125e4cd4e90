internal import CSandbox
internal import CentramLanes
internal import CentramPluginAPI
internal import Glibc
internal import Synchronization

/// Memory that a plugin's process sees: a part that it can only read, and a part that it can write. Neither side can change the sizes.
final class SharedMemory: @unchecked Sendable {  // who has it agrees with others on who writes where
  let id: UInt32
  let inputs: UnsafeMutableRawBufferPointer
  let output: UnsafeMutableRawBufferPointer
  let descriptors: [Int32]

  init(id: UInt32, inputs: Int, output: Int) throws(PluginError) {
    self.id = id
    var starts: (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?)
    let first = centram_share(inputs, Int32(CENTRAM_SHARE_READ), &starts.0)
    guard first >= 0, let readable = starts.0 else { throw Self.failure(inputs, first) }
    let second = centram_share(output, Int32(CENTRAM_SHARE_WRITE), &starts.1)
    guard second >= 0, let writable = starts.1 else {
      munmap(readable, inputs)
      close(first)
      throw Self.failure(output, second)
    }
    self.inputs = UnsafeMutableRawBufferPointer(start: readable, count: inputs)
    self.output = UnsafeMutableRawBufferPointer(start: writable, count: output)
    descriptors = [first, second]
  }

  deinit {
    munmap(inputs.baseAddress, inputs.count)
    munmap(output.baseAddress, output.count)
    for descriptor in descriptors { close(descriptor) }
  }

  private static func failure(_ size: Int, _ status: Int32) -> PluginError {
    PluginError(.inputOutput, "\(size) bytes of shared memory: \(String(cString: strerror(-status)))")
  }

  var size: Int { inputs.count + output.count }

  /// Where bytes lie among the inputs, or nil.
  func offset(ofInput address: UnsafeRawPointer, count: Int) -> Int? { Self.offset(of: address, count: count, in: inputs) }
  func offset(ofOutput address: UnsafeRawPointer, count: Int) -> Int? { Self.offset(of: address, count: count, in: output) }

  private static func offset(of address: UnsafeRawPointer, count: Int, in memory: UnsafeMutableRawBufferPointer) -> Int? {
    let offset = Int(bitPattern: address) &- Int(bitPattern: memory.baseAddress)
    return offset >= 0 && offset <= memory.count && count <= memory.count - offset ? offset : nil
  }
}

/// The memory that one plugin's processes see, for use again and again.
final class SharedPool: BlockMemory {
  /// Bytes that stay while nobody uses them.
  static let keptBytes = 256 << 20

  private struct State {
    var next: UInt32 = 1
    var free: [SharedMemory] = []
    var used: [SharedMemory] = []
    /// Thrown away since the last process was told.
    var gone: [UInt32] = []
  }
  private let state = Mutex(State())

  /// Memory of at least these sizes.
  func take(inputs: Int, output: Int) throws(PluginError) -> SharedMemory {
    let (inputs, output) = (Self.rounded(inputs), Self.rounded(output))
    let (known, id) = state.withLock { state -> (SharedMemory?, UInt32) in
      if let index = state.free.lastIndex(where: { $0.inputs.count == inputs && $0.output.count == output }) {
        let memory = state.free.remove(at: index)
        state.used.append(memory)
        return (memory, 0)
      }
      defer { state.next &+= 1 }
      return (nil, state.next)
    }
    if let known { return known }
    let memory = try SharedMemory(id: id, inputs: inputs, output: output)
    state.withLock { $0.used.append(memory) }
    return memory
  }

  func giveBack(_ memory: SharedMemory) {
    state.withLock { state in
      state.used.removeAll { $0 === memory }
      state.free.append(memory)
      var kept = state.free.reduce(0) { $0 + $1.size }
      while kept > Self.keptBytes, let oldest = state.free.first {
        kept -= oldest.size
        state.gone.append(oldest.id)
        state.free.removeFirst()
      }
    }
  }

  func takeGone() -> [UInt32] {
    state.withLock { state in
      defer { state.gone = [] }
      return state.gone
    }
  }

  /// The memory in which an output lies that was handed out, or nil.
  func memory(ofOutput address: UnsafeRawPointer, count: Int) -> SharedMemory? {
    state.withLock { state in state.used.first { $0.offset(ofOutput: address, count: count) != nil } }
  }

  func room(inputs: Int, length: Int) throws(PluginError) -> any BlockRoom { try SharedRoom(self, inputs: inputs, length: length) }

  /// Few sizes, so that memory fits again.
  private static func rounded(_ size: Int) -> Int {
    let size = max(size, 64 << 10)
    return size <= 8 << 20 ? 1 << (Int.bitWidth - (size - 1).leadingZeroBitCount) : (size + (8 << 20) - 1) / (8 << 20) * (8 << 20)
  }
}

/// Room for the blocks of one worker.
final class SharedRoom: BlockRoom, @unchecked Sendable {  // one worker's
  let memory: SharedMemory
  let inputs: [UnsafeMutablePointer<Float>]
  let output: UnsafeMutablePointer<Float>
  let length: Int
  private let pool: SharedPool

  init(_ pool: SharedPool, inputs count: Int, length: Int) throws(PluginError) {
    // Each buffer begins in a cache line of its own.
    let size = (max(1, length) * MemoryLayout<Float>.stride + 63) & ~63
    memory = try pool.take(inputs: size * max(1, count), output: size)
    guard let first = memory.inputs.baseAddress, let output = memory.output.baseAddress else {
      throw PluginError(.internalFailure, "shared memory without an address")
    }
    inputs = (0..<count).map { (first + $0 * size).assumingMemoryBound(to: Float.self) }
    (self.output, self.pool, self.length) = (output.assumingMemoryBound(to: Float.self), pool, length)
  }

  deinit { pool.giveBack(memory) }
}
