@testable import CentramIsolation
import CSandbox
import CentramBlocks
import CentramLanes
import CentramPluginAPI
import Foundation
import Fuzzing
import Testing

/// Both ends take anything that the other may send: an error, never a trap.
@Suite struct HostileChildTests {
  private static let kinds = 18

  /// Reads one of all that one side takes from the other.
  private static func read(_ kind: Int, _ bytes: [UInt8]) throws(ChannelError) {
    var it = MessageReader(bytes)
    switch kind {
    case 0: _ = try it.mergeOperatorInfo()
    case 1: _ = try it.gateLayerInfo()
    case 2: _ = try it.verdict()
    case 3: _ = try it.postings()
    case 4: _ = try it.specifications()
    case 5: _ = try it.descriptorText()
    case 6: _ = try it.parameters()
    case 7: _ = try it.economyEvent()
    case 8: _ = try it.trainingEvent()
    case 9: _ = try it.trainingResult()
    case 10: _ = try it.tokens()
    case 11: _ = try it.sharedTensor()
    case 12: _ = try it.functionTable()
    case 13: _ = try it.factors()
    case 14: _ = try it.ruleQuestion()
    case 15: _ = try it.partFinding()
    case 16: _ = try it.partOrder()
    default: _ = try it.error()
    }
    try it.end()
  }

  /// Payloads as they should be, for changing.
  private static var samples: [[UInt8]] {
    let specification = ParameterSpecification("density", .number, .perInput, default: .number(0.5), limits: 0...1, "how much is kept")
    let parameters = Parameters(shared: ["a": .number(1), "b": .string("text"), "c": .boolean(true)], perInput: [["w": .number(0.5)], [:]])
    var writers = [MessageWriter](repeating: MessageWriter(), count: kinds)
    writers[0].add(MergeOperatorInfo(needs: [.base], inputs: 2...2, parameters: [specification]), .tensors)
    writers[1].add(GateLayerInfo(position: 3, parameters: [specification]))
    writers[2].add(Verdict(.scale(factor: 0.5, reason: "loud"), evidence: [.init("norm", "3")]))
    writers[3].add([Posting(account: "a", microCEN: -5, memo: "m"), Posting(account: "b", microCEN: 5)])
    writers[4].add([specification, specification])
    writers[5].add(DescriptorText())
    writers[6].add(parameters)
    writers[7].add(EconomyEvent(type: "payment", amount: 1, subject: "s", payer: "p", payee: "q"))
    writers[8].add(TrainingEvent(step: 1, steps: 2, loss: 3, message: "m"))
    writers[9].add(TrainingResult(metrics: ["loss": 1], privacyRecordJSON: "{}"))
    writers[10].add(tokens: [1, -2, 3])
    writers[11].add(SharedTensor(name: "w", shape: [2, 3], count: 6, values: 0, gradient: 64))
    let argument = FunctionTable.Argument(role: .inputParameters, type: .pointer, name: "weight", index: 1, value: 2, elements: .f32)
    writers[12].add(
      FunctionTable(
        symbol: "f", arguments: [argument], result: .score(0...1), resultType: .f64, parameters: [specification], merge: MergeOperatorInfo(), granularity: .rows,
        gate: GateLayerInfo(position: 3)))
    writers[13].add(LowRankFactors(rank: 1, a: [1, 2], b: [3]))
    writers[14].add(RuleQuestion(rule: "linear", matrices: [[1, 2]], rows: 1, columns: 2, name: "n", models: ["a"], parameters: parameters, seed: 3))
    writers[15].add(PartFinding.nonFinite(BlockLoop.NonFinite(input: 1, element: 7)))
    let input = PartOrder.Input(file: 5, offset: 64, format: .bfloat16, rounding: .float16, isChecked: true)
    let encoding = OutputEncoding(.float16, allowsNonFinite: false)
    writers[16].add(PartOrder(run: 1, stripe: 2, offset: 3, count: 4, length: 5, inputs: [input, nil], memory: 2, encoding: encoding))
    writers[17].add(PluginError(.invalid, "no"))
    return writers.map(\.bytes)
  }

  @Test func whatIsWrittenIsReadAgain() throws {
    for (kind, sample) in Self.samples.enumerated() { try Self.read(kind, sample) }
  }

  @Test func everyPrefixOfAPayloadIsRefused() {
    for (kind, sample) in Self.samples.enumerated() {
      for length in 0..<sample.count {
        #expect(throws: ChannelError.self, "kind \(kind), \(length) of \(sample.count) bytes") { try Self.read(kind, Array(sample[..<length])) }
      }
    }
  }

  @Test func noPayloadTraps() {
    let fuzz = Fuzz("isolation payloads", rounds: 100_000)
    var random = fuzz.random
    let samples = Self.samples
    for _ in 0..<fuzz.rounds {
      var bytes = samples[Int.random(in: samples.indices, using: &random)]
      switch Int.random(in: 0..<4, using: &random) {
      case 0: bytes = (0..<Int.random(in: 0..<200, using: &random)).map { _ in UInt8.random(in: 0 ... .max, using: &random) }
      case 1: bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
      default:
        for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
          bytes[Int.random(in: bytes.indices, using: &random)] = [0, 1, 0x7f, 0x80, 0xff, UInt8.random(in: 0 ... .max, using: &random)].randomElement(using: &random) ?? 0
        }
      }
      do throws(ChannelError) { try Self.read(Int.random(in: 0..<Self.kinds, using: &random), bytes) } catch { continue }
    }
  }

  @Test func factorsAndMatricesMustFitTheirNumbers() throws {
    for (rank, isTaken) in [(0, true), (3, true), (4, false), (Int.max, false)] {
      var writer = MessageWriter()
      writer.add(LowRankFactors(rank: rank, a: [1, 2, 3], b: [4]))
      var reader = MessageReader(writer.bytes)
      if isTaken { #expect(try reader.factors().rank == rank) } else { #expect(throws: ChannelError.self) { _ = try reader.factors() } }
    }
    for (rows, columns, models, isTaken) in [(2, 3, 1, true), (3, 3, 1, false), (2, 3, 2, false), (Int.max, Int.max, 1, false), (1 << 31, 1 << 31, 1, false)] {
      var writer = MessageWriter()
      let names = [String](repeating: "m", count: models)
      writer.add(RuleQuestion(rule: "r", matrices: [[Float](repeating: 1, count: 6)], rows: rows, columns: columns, name: "n", models: names, parameters: Parameters(), seed: 1))
      var reader = MessageReader(writer.bytes)
      if isTaken { #expect(try reader.ruleQuestion().matrices.count == 1) } else { #expect(throws: ChannelError.self) { _ = try reader.ruleQuestion() } }
    }
  }

  @Test func noPacketTraps() {
    let fuzz = Fuzz("isolation packets", rounds: 100_000)
    var random = fuzz.random
    for _ in 0..<fuzz.rounds {
      var bytes = [UInt8](repeating: 0, count: Int.random(in: 0..<80, using: &random))
      for index in bytes.indices { bytes[index] = UInt8.random(in: 0 ... .max, using: &random) }
      // Mostly a head that comes near to one.
      if bytes.count >= 24, Bool.random(using: &random) {
        bytes[0] = Operation.allCases.randomElement(using: &random).map { UInt8($0.rawValue) } ?? 0
        (bytes[1], bytes[2], bytes[3]) = (0, UInt8.random(in: 0...3, using: &random), 0)
        bytes[16] = UInt8(bytes.count - 24)
        for index in 17..<20 where Bool.random(using: &random) { bytes[index] = 0 }
      }
      bytes.withUnsafeBytes { packet in
        do throws(ChannelError) { _ = try Message.read(packet, limit: Message.sizeLimit) } catch { return }
      }
    }
  }

  @Test func aMessageOfTheLimitArrivesAndOneByteMoreDoesNot() throws {
    let limit = 100_000
    for (size, isTaken) in [(0, true), (1, true), (Message.packetSize, true), (Message.packetSize + 1, true), (limit, true), (limit + 1, false)] {
      let (own, other) = try PacketSocket.pair(), far = PacketSocket(other)
      let sent = Message(operation: .ping, id: 7, instance: 3, payload: (0..<size).map { UInt8(truncatingIfNeeded: $0) })
      let thread = Thread { try? own.send(sent) }
      thread.start()
      let received = Result { () throws(ChannelError) in try far.receive(limit: limit) }
      switch received {
      case .success(let message): #expect(isTaken && message.payload == sent.payload && message.id == 7 && message.instance == 3, "\(size)")
      case .failure(let error): #expect(!isTaken && error == .broken("a message of \(size) bytes; the limit is \(limit)"), "\(size): \(error)")
      }
    }
  }

  @Test func anEndAndADeadlineAreToldApart() throws {
    let (own, other) = try PacketSocket.pair()
    try own.watchDeadlines()
    let late = Result { () throws(ChannelError) in try own.receive(deadline: centram_monotonic() + 1_000_000) }
    if case .failure(let error) = late { #expect(error == .timedOut) } else { Issue.record("something was received") }
    close(other)
    let gone = Result { () throws(ChannelError) in try own.receive(deadline: centram_monotonic() + 10_000_000_000) }
    if case .failure(let error) = gone { #expect(error == .closed) } else { Issue.record("something was received") }
  }

  @Test func sharedMemoryKeepsItsSizeAndItsInputsCannotBeMappedForWriting() throws {
    let memory = try SharedMemory(id: 1, inputs: 65536, output: 65536)
    #expect(centram_map_shared(memory.descriptors[0], 65536, Int32(CENTRAM_SHARE_WRITE)) == nil)
    #expect(centram_map_shared(memory.descriptors[0], 65536, Int32(CENTRAM_SHARE_READ)) != nil)
    #expect(centram_map_shared(memory.descriptors[1], 65536, Int32(CENTRAM_SHARE_WRITE)) != nil)
    for descriptor in memory.descriptors { #expect(ftruncate(descriptor, 0) == -1 && errno == EPERM) }
    let start = try #require(memory.inputs.baseAddress)
    #expect(memory.offset(ofInput: start, count: 65536) == 0 && memory.offset(ofInput: start, count: 65537) == nil)
    #expect(memory.offset(ofInput: start + 1, count: 65535) == 1 && memory.offset(ofInput: start - 1, count: 1) == nil)
  }
}
