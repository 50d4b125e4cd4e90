@testable import CentramIsolation
import CentramHost
import CentramLanes
import CentramPluginAPI
import Testing

@Suite struct SharedBlocksTests {
  /// Cuts vectors into blocks that lie in memory which the operator brings, as the node's driver does.
  private final class RoomDriver: MergeDriver, @unchecked Sendable {
    let inputs: [[Float]], blockSize: Int, memory: any BlockMemory
    var result: [Float] = []

    init(_ inputs: [[Float]], blockSize: Int, _ memory: any BlockMemory) { (self.inputs, self.blockSize, self.memory) = (inputs, blockSize, memory) }

    func stripeCount(_ granularity: BlockGranularity) -> Int { 1 }

    func run(
      _ granularity: BlockGranularity, inputs wanted: [Int]?, writingOutput: Bool, _ body: @Sendable (Int, MergeBlock) throws(PluginError) -> Void
    ) throws(PluginError) {
      let room = try memory.room(inputs: inputs.count, length: blockSize), pointers = room.inputs.map { UnsafePointer($0) }
      if writingOutput { result = [] }
      for offset in stride(from: 0, to: inputs[0].count, by: blockSize) {
        let count = min(blockSize, inputs[0].count - offset)
        for (index, input) in inputs.enumerated() { room.inputs[index].update(from: Array(input[offset..<(offset + count)]), count: count) }
        var failure: PluginError?
        pointers.withUnsafeBufferPointer { list in
          do throws(PluginError) {
            try body(0, MergeBlock(offset: offset, count: count, inputs: list.baseAddress!, output: room.output))
          } catch { failure = error }
        }
        if let failure { throw failure }
        if writingOutput { result += UnsafeBufferPointer(start: room.output, count: count) }
      }
    }
  }

  /// Has a block that no memory can be shared for.
  private final class BoundlessDriver: MergeDriver {
    func stripeCount(_ granularity: BlockGranularity) -> Int { 1 }

    func run(
      _ granularity: BlockGranularity, inputs wanted: [Int]?, writingOutput: Bool, _ body: @Sendable (Int, MergeBlock) throws(PluginError) -> Void
    ) throws(PluginError) {
      var element: Float = 0
      let result = withUnsafeMutablePointer(to: &element) { element -> Result<Void, PluginError> in
        withUnsafePointer(to: UnsafePointer(element)) { inputs in
          do throws(PluginError) { return .success(try body(0, MergeBlock(offset: 0, count: 1 << 46, inputs: inputs, output: element))) } catch { return .failure(error) }
        }
      }
      try result.get()
    }
  }

  @Test func aBlockThatNoMemoryCanBeMadeForLeavesItsChannelToTheNext() throws {
    // One channel for the merge, one for its blocks.
    let host = try Isolated.host(fixture: "merge", id: "test.merge.center", kind: .mergeOperator) { $0.channels = 2 }
    let merging = try #require(try host.mergeOperator("center") as? any TensorMerging)
    for _ in 0..<3 {
      let error = try #require(throws: PluginError.self) { try merging.merge(request(BoundlessDriver(), inputs: 1, count: 1 << 46)) }
      #expect(error.code == .inputOutput && error.message.contains("bytes of shared memory"), "\(error)")
    }
    let plain = LendingDriver([[1, 2, 3]])
    try merging.merge(.vector(plain))
  }

  private func request(_ driver: any MergeDriver, inputs: Int, count: Int) -> MergeRequest {
    MergeRequest(tensor: "t", shape: [count], models: (0..<inputs).map { "m\($0)" }, baseIndex: nil, parameters: Parameters(), driver: driver)
  }

  @Test(arguments: [1, 7, 1000, 40_000]) func blocksInSharedMemoryGiveTheSameBits(blockSize: Int) throws {
    let host = try Isolated.host(fixture: "merge", id: "test.merge.center", kind: .mergeOperator), operation = try host.mergeOperator("center")
    let bringing = try #require(operation as? any BringsBlockMemory), merging = try #require(operation as? any TensorMerging)
    let count = blockSize == 1 ? 50 : 20_000, inputs: [[Float]] = (0..<3).map { input in (0..<count).map { Float($0 * 7 % 1013) * Float(input + 1) } }
    let driver = RoomDriver(inputs, blockSize: blockSize, bringing.blockMemory), plain = LendingDriver(inputs, blockSize: blockSize)
    try merging.merge(request(driver, inputs: 3, count: count))
    try merging.merge(request(plain, inputs: 3, count: count))
    #expect(driver.result == plain.result && !plain.result.contains { $0.isNaN })
  }

  @Test func memoryIsUsedAgainAndWhatIsTooMuchIsGivenBack() throws {
    let pool = SharedPool(), first = try pool.take(inputs: 100_000, output: 50_000), id = first.id
    #expect(first.inputs.count >= 100_000 && first.output.count >= 50_000)
    pool.giveBack(first)
    let second = try pool.take(inputs: 100_001, output: 50_001)
    #expect(second.id == id, "memory of the same size class is taken again")
    let third = try pool.take(inputs: 100_000, output: 50_000)
    #expect(third.id != id)
    pool.giveBack(second)
    pool.giveBack(third)
    #expect(pool.takeGone() == [])
    let large = try pool.take(inputs: SharedPool.keptBytes, output: 1)
    let number = large.id
    pool.giveBack(large)
    #expect(pool.takeGone().contains(number))
  }

  @Test func aBlockIsFoundInTheMemoryThatItLiesIn() throws {
    let pool = SharedPool(), room = try SharedRoom(pool, inputs: 2, length: 1000)
    let found = pool.memory(ofOutput: room.output, count: 4000)?.id, own = room.memory.id
    #expect(found == own)
    #expect(room.memory.offset(ofInput: room.inputs[1], count: 4000) == 4032)
    let elsewhere = UnsafeMutablePointer<Float>.allocate(capacity: 1)
    defer { elsewhere.deallocate() }
    let none = pool.memory(ofOutput: elsewhere, count: 4)?.id
    #expect(none == nil)
  }
}
