import CKernels
import CentramNode
import CentramPluginAPI
import CentramPluginTesting
import Testing

/// What may not matter: threads, the size of blocks, the instruction set.
@Suite struct CutTests {
  private let searching = ["ties", "breadcrumbs", "sce", "arcee_fusion"]

  /// A method on a tensor large enough for many stripes.
  struct Run {
    let setup: Setup
    let shape: [Int]
    let inputs: [[Float]]

    init(_ method: String, seed: UInt64, rows: Int = 40) {
      var generator = Generator(seed: seed)
      setup = Setup(method, &generator)
      shape = [rows, 1000]
      inputs = generator.models(setup.inputs, count: rows * 1000)
    }

    func request(_ driver: any MergeDriver) -> MergeRequest {
      MergeRequest(
        tensor: "t", shape: shape, models: inputs.indices.map { "model\($0)" }, baseIndex: setup.hasBase ? 0 : nil,
        parameters: setup.parameters, seed: 3, driver: driver)
    }

    func threaded(_ threads: Int, blockSize: Int = 2048) throws -> [Float] {
      let driver = ThreadedDriver(inputs, shape: shape, blockSize: blockSize, threads: threads)
      try operators[setup.method]!.merge(request(driver))
      return driver.result
    }

    func node(_ workers: Int, blockSize: Int = 2048) throws -> [Float] {
      let sink = ArraySink(count: inputs[0].count)
      try operators[setup.method]!.merge(
        request(
          BlockDriver(
            shape: shape, sources: inputs.map(ArraySource.init), sink: sink, pool: WorkerPool(workers: workers), blockSize: blockSize)))
      return sink.floats
    }
  }

  @Test(arguments: operators.keys.sorted()) func anyNumberOfThreadsGivesTheSameBits(_ method: String) throws {
    // The search for ranks takes a sample of large tensors.
    for (seed, rows) in [(1, 40), (2, 40), (3, searching.contains(method) ? 140 : 20)] {
      let run = Run(method, seed: UInt64(seed), rows: rows)
      let one = try run.threaded(1)
      #expect(try run.threaded(2) == one, "\(run.setup)")
      #expect(try run.threaded(8) == one, "\(run.setup)")
      for workers in [1, 2, 8] { #expect(try run.node(workers) == one, "\(run.setup)") }
    }
  }

  @Test(arguments: operators.keys.sorted()) func anotherCutGivesTheSameValues(_ method: String) throws {
    let run = Run(method, seed: 4)
    let expected = try run.threaded(2)
    // Sums in another order differ in the last bits of a double; nothing else may differ.
    for blockSize in [777, 30_000] {
      let output = try run.threaded(2, blockSize: blockSize)
      #expect(zip(output, expected).allSatisfy { abs($0 - $1) <= 1e-6 * abs($1) + 1e-9 }, "\(run.setup)")
    }
  }

  @Test(arguments: operators.keys.sorted()) func everyInstructionSetGivesTheSameBits(_ method: String) throws {
    let run = Run(method, seed: 5)
    let best = try run.threaded(1)
    ck_force_base(1)
    defer { ck_force_base(0) }
    #expect(try run.threaded(1) == best, "\(run.setup)")
  }
}

/// Keeps the output of a driver.
final class ArraySink: TensorSink, @unchecked Sendable {
  private let buffer: UnsafeMutableBufferPointer<Float>

  init(count: Int) {
    buffer = .allocate(capacity: count)
    buffer.initialize(repeating: .nan)
  }
  deinit { buffer.deallocate() }

  var floats: [Float] { Array(buffer) }

  func write(offset: Int, _ floats: UnsafePointer<Float>, count: Int) throws(MergeError) {
    (buffer.baseAddress! + offset).update(from: floats, count: count)
  }
}
