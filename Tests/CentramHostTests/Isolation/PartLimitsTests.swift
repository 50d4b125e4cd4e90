@testable import CentramIsolation
import CentramBlocks
import CentramNode
import CentramNumerics
import CentramPluginAPI
import Foundation
import Synchronization
import Testing

/// What each side checks of a part.
@Suite struct PartLimitsTests {
  @Test func partsCoverEveryStripeOnceInWholeBlocks() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededGenerator(seed: seed)
    for _ in 0..<40 {
      var files = try FileCase.random(shape: [Int.random(in: 0...3000, using: &random)], models: 1, &random)
      files.blockSize = Int.random(in: 1...400, using: &random)
      let driver = try files.driver(BytesSink(.float32, count: files.count)), elements = Int.random(in: 1...1500, using: &random)
      let plan = try #require(try driver.plan(.any, inputs: nil, writingOutput: true)), seen = Mutex<[(stripe: Int, offset: Int, count: Int)]>([])
      try driver.run(plan, elements: elements) { (next) throws(PluginError) in
        while let part = try next() { seen.withLock { $0.append((part.stripe, part.offset, part.count)) } }
      }
      var end = 0, stripe = 0, isInOrder = true
      for part in seen.withLock({ $0 }).sorted(by: { $0.offset < $1.offset }) {
        isInOrder = isInOrder && part.offset == end && part.stripe >= stripe && part.count <= max(elements, plan.length)
        isInOrder = isInOrder && part.offset % plan.length == 0
        (end, stripe) = (end + part.count, part.stripe)
      }
      #expect(isInOrder && end == files.count, "seed \(seed), \(files.count) elements, blocks of \(files.blockSize), \(elements) a part")
    }
  }

  @Test func aFindingIsBelievedOnlyWhereItIsTrue() throws {
    var values = [Float](repeating: 1, count: 100)
    values[60] = .infinity
    let files = try FileCase(shape: [100], [(.float32, values), (.float32, values)]), driver = try files.driver(BytesSink(.float16, count: 100))
    let plan = try #require(try driver.plan(.any, inputs: [1], writingOutput: true)),
      findings: [(PartFinding, Bool)] = [
        (.nonFinite(.init(input: 1, element: 60)), true), (.nonFinite(.init(input: 1, element: 61)), false), (.nonFinite(.init(input: 0, element: 60)), false),
        (.nonFinite(.init(input: 2, element: 60)), false), (.nonFinite(.init(input: -1, element: 60)), false), (.nonFinite(.init(input: 1, element: 100)), false),
        (.nonFinite(.init(input: 1, element: .max)), false), (.unfit(element: 99, value: 65520), true), (.unfit(element: 99, value: Float(65520).nextDown), false),
        (.unfit(element: 0, value: .nan), true), (.unfit(element: 100, value: .nan), false), (.unfit(element: -1, value: .nan), false),
      ]
    let answers = Mutex<[Bool]>([])
    try driver.run(plan, elements: 100) { (next) throws(PluginError) in
      while let part = try next() {
        for (finding, _) in findings { answers.withLock { $0.append(part.error(finding) != nil) } }
      }
    }
    #expect(answers.withLock { $0 } == findings.map(\.1))
  }

  private static func part(_ count: Int, _ taken: TakenBytes) -> StripePart {
    StripePart(stripe: 0, offset: 0, count: count) { (_, bytes) throws(PluginError) in
      taken.value.withLock { $0 += bytes }
    } error: { finding in
      finding == .unfit(element: 3, value: .infinity) ? PluginError(.inputOutput, "element 3") : nil
    }
  }

  /// No finding, and a processor.
  private static let nothing: [UInt8] = [0, 1, 0, 0, 0]

  private static func settle(_ reply: [UInt8], _ room: PartRoom, _ encoding: OutputEncoding?, count: Int, _ taken: TakenBytes) -> String {
    do throws(CallFailure) {
      try MergeSession.settle(MergeSession.answer(reply).finding, room, encoding, part(count, taken))
      return "taken"
    } catch {
      switch error {
      case .plugin(let error): return error.message
      case .lost(let reason): return "\(reason)"
      }
    }
  }

  @Test func aWrongAnswerIsTheEndOfTheProcess() throws {
    let taken = TakenBytes([]), room = try PartRoom(SharedPool(), bytes: 64)
    var truth = MessageWriter(), lie = MessageWriter()
    truth.add(PartFinding.unfit(element: 3, value: .infinity))
    lie.add(PartFinding.unfit(element: 4, value: .infinity))
    truth.add(UInt32(0))
    lie.add(UInt32.max)
    #expect(Self.settle(Self.nothing, room, nil, count: 4, taken) == "taken")
    #expect(Self.settle(truth.bytes, room, nil, count: 4, taken) == "element 3")
    #expect(Self.settle(lie.bytes, room, nil, count: 4, taken).contains("which is not so"))
    for wrong in [[], [0], [0, 0], [3, 0, 0, 0, 0], [1, 0], Self.nothing + [0], truth.bytes + [0], Array(truth.bytes.dropLast())] as [[UInt8]] {
      #expect(Self.settle(wrong, room, nil, count: 4, taken).hasPrefix("broken"), "\(wrong)")
    }
  }

  @Test(arguments: FloatFormat.allCases) func anOutputIsLookedAtAsItIsTaken(format: FloatFormat) throws {
    // More than one piece, so that the last lies in another.
    let count = PartRoom.pieceSize / format.size + 5, room = try PartRoom(SharedPool(), bytes: count * format.size)
    let values = (0..<count).map { Float($0 % 100) - 50 }, start = try #require(room.memory.output.baseAddress)
    for (place, bad, isFinite) in [(0, Float(1), true), (0, .nan, false), (count - 1, -.infinity, false), (count - 1, format.largest, true), (7, -.nan, false)] {
      var values = values
      values[place] = bad
      format.encode(values, count: count, into: start)
      for allows in [false, true] {
        let taken = TakenBytes([]), said = Self.settle(Self.nothing, room, OutputEncoding(format, allowsNonFinite: allows), count: count, taken)
        let isTaken = said == "taken", bytes = taken.value.withLock { $0 }
        #expect(isTaken == (isFinite || allows), "\(format), \(bad) at \(place): \(said)")
        #expect(!isTaken || bytes == Array(UnsafeRawBufferPointer(start: start, count: count * format.size)))
      }
    }
  }

  @Test func theOtherSideReadsAndWritesNothingBeyondWhatItHas() throws {
    let socket = try Self.socket(), state = RunnerState(RunnerServices(socket)), channel = RunnerChannel(socket, state)
    let files = try FileCase(shape: [1000], [(.float32, [Float](repeating: 2, count: 1000))]), file = files.files[0]
    let tensor = try #require(file.tensor("t")), descriptor = try #require(file.openAgain()), memory = try SharedMemory(id: 4, inputs: 65536, output: 65536)
    defer { close(descriptor) }
    try state.openFile(9, descriptor, size: file.size)
    try state.map(4, memory.descriptors, inputs: 65536, output: 65536)
    let body: RunnerRuns.Body = { (_, block) throws(PluginError) in block.output.update(from: block.inputs[0], count: block.count) }
    withUnsafePointer(to: body) { pointer in
      let run = state.runs.open(RunnerRuns.Entry(body: pointer))
      defer { state.runs.close(run) }
      let place = file.offset(of: tensor), input = PartOrder.Input(file: 9, offset: place, format: .float32, rounding: nil, isChecked: true)
      let good = PartOrder(run: run, stripe: 0, offset: 0, count: 1000, length: 300, inputs: [input], memory: 4, encoding: OutputEncoding(.float64, allowsNonFinite: false))
      // Each on a line of its own, for a part that failed is the end of its stripe there.
      func outcome(on channel: RunnerChannel? = nil, _ change: (inout PartOrder) -> Void) -> PluginError? {
        let channel = channel ?? RunnerChannel(socket, state)
        var order = good, writer = MessageWriter(), answer = MessageWriter()
        change(&order)
        writer.add(order)
        var reader = MessageReader(writer.bytes)
        do throws(PluginError) { try channel.part(&reader, &answer) } catch { return error }
        return answer.bytes.first == 0 && answer.bytes.count == 5 ? nil : PluginError(.internalFailure, "\(answer.bytes)")
      }
      #expect(outcome { _ in } == nil)
      #expect(memory.output.loadUnaligned(fromByteOffset: 999 * 8, as: Double.self) == 2)
      #expect(outcome { $0.offset = 1 }?.code == .invalid)
      #expect(outcome { ($0.offset, $0.count) = (999, 1) } == nil)
      #expect(outcome { ($0.offset, $0.count) = (1000, 1) }?.code == .invalid)
      #expect(outcome { $0.offset = .max }?.code == .invalid)
      #expect(outcome { $0.inputs[0]?.offset = place + 1 }?.code == .invalid)
      #expect(outcome { $0.inputs[0]?.offset = file.size + 1 }?.code == .invalid)
      #expect(outcome { $0.inputs[0]?.offset = .max }?.code == .invalid)
      #expect(outcome { $0.inputs[0]?.file = 8 }?.message == "there is no file 8")
      #expect(outcome { $0.memory = 5 }?.message == "there is no shared memory 5")
      #expect(outcome { $0.run = run + 1 }?.message == "there is no pass \(run + 1)")
      // Two blocks of 64 elements leave room for 8128 of eight bytes; an input that is not read has no end.
      let lenient = OutputEncoding(.float64, allowsNonFinite: true)
      #expect(outcome { ($0.inputs, $0.encoding, $0.count, $0.length) = ([nil], lenient, 8128, 64) } == nil)
      #expect(outcome { ($0.inputs, $0.encoding, $0.count, $0.length) = ([nil], lenient, 8129, 64) }?.code == .invalid)
      #expect(outcome { ($0.inputs, $0.encoding, $0.count, $0.length) = ([nil], lenient, 8128, 65) }?.code == .invalid)
      #expect(outcome { ($0.inputs, $0.count) = ([nil], .max) }?.code == .invalid)
      #expect(outcome(on: channel) { _ in } == nil)
      #expect(outcome(on: channel) { $0.memory = 5 }?.code == .invalid)
      #expect(outcome(on: channel) { _ in }?.message == "an earlier part of the stripe failed")
      #expect(outcome(on: channel) { $0.stripe = 1 } == nil)
      state.closeFile(9)
      #expect(outcome { _ in }?.message == "there is no file 9")
    }
  }

  private static func socket() throws -> PacketSocket {
    let (own, other) = try PacketSocket.pair()
    close(other)
    return own
  }

  @Test func whatIsTooLargeOrLiesInNoFileIsLeftToTheHost() throws {
    let files = try FileCase(shape: [1000], [(.float32, [Float](repeating: 2, count: 1000))]), sink = BytesSink(.float32, count: 1000)
    #expect(try files.driver(sink).plan(.whole, inputs: nil, writingOutput: true)?.length == 1000)
    #expect(try files.driver(nil).plan(.any, inputs: nil, writingOutput: false)?.encoding == nil)
    #expect(throws: PluginError.self) { _ = try files.driver(nil).plan(.any, inputs: nil, writingOutput: true) }
    #expect(throws: PluginError.self) { _ = try files.driver(sink).plan(.any, inputs: [1], writingOutput: true) }
    let most = (32 << 20) / 4 / 2
    for (length, isPlanned) in [(most, true), (most + 1, false)] {
      let source = Endless(count: most * 2, stored: try files.source(0).stored)
      let driver = BlockDriver(shape: [most * 2], sources: [source], sink: nil, pool: WorkerPool(workers: 1), blockSize: length)
      let plan = try driver.plan(.any, inputs: nil, writingOutput: false)
      #expect((plan != nil) == isPlanned, "\(length)")
    }
    let inMemory = BlockDriver(shape: [3], sources: [ArraySource([1, 2, 3])], sink: nil, pool: WorkerPool(workers: 1))
    #expect(try inMemory.plan(.any, inputs: nil, writingOutput: false) == nil)
    #expect(try inMemory.plan(.any, inputs: [], writingOutput: false) != nil)
  }

  private struct Endless: TensorSource {
    let count: Int
    let stored: StoredTensor?
    func read(offset: Int, count: Int, into floats: UnsafeMutablePointer<Float>) { floats.update(repeating: 0, count: count) }
  }
}

private final class TakenBytes: Sendable {
  let value: Mutex<[UInt8]>
  init(_ value: [UInt8]) { self.value = Mutex(value) }
}
