internal import CentramHost
internal import CentramPackaging
internal import CentramPluginAPI
internal import CentramPluginTesting
internal import Foundation

// A host of a later API that uses plugins built for an earlier one, each through what the later API added too:
//   later-host describe LIBRARY        later-host run FOLDER LIBRARY…
// Prints a line a plugin; fails at the first thing that is not as it should be.

struct Wrong: Error, CustomStringConvertible { let description: String }

func expect(_ condition: Bool, _ sentence: String) throws { if !condition { throw Wrong(description: sentence) } }

struct View: LedgerView {
  func owner(ofGenome id: String) -> String? { id == "g" ? "ann" : nil }
  func generation(ofGenome id: String) -> Int? { nil }
  func parents(ofGenome id: String) -> [LineageEntry.Parent] { [] }
  func balance(ofAccount account: String) -> Int64? { 1_000_000 }
}

/// One tensor whose loss is its sum.
final class Line: TrainableModel, TokenStream, TrainingObserver, @unchecked Sendable {
  let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: 4), gradient = UnsafeMutableBufferPointer<Float>.allocate(capacity: 4)
  var checkpoints: [[UInt8]] = [], steps: [Int] = []
  init() {
    values.initialize(repeating: 1)
    gradient.initialize(repeating: 0)
  }
  var tensors: [TrainableTensor] { [TrainableTensor(name: "t", shape: [4], values: values, gradient: gradient)] }
  func attachAdapter(configurationJSON: String, seed: UInt64) throws(PluginError) {}
  func accumulate(tokens: [Int32], batch: Int, length: Int, clipNorm: Double?) async throws(PluginError) -> (loss: Double, norms: [Double]) {
    for index in gradient.indices { gradient[index] += Float(tokens[index]) }
    return (4, [])
  }
  func loss(tokens: [Int32], batch: Int, length: Int) async throws(PluginError) -> Double { 4 }
  var count: Int { 1 }
  func batch(step: Int, batch: Int, length: Int) throws(PluginError) -> [Int32] { [0, 1, 2, 3] }
  func sequence(_ index: Int, length: Int) throws(PluginError) -> [Int32] { [0, 1, 2, 3] }
  func report(_ event: TrainingEvent) { steps.append(event.step) }
  func checkpoint(_ state: [UInt8]) throws(PluginError) { checkpoints.append(state) }
}

func use(_ record: PluginRecord, of host: PluginHost) async throws -> String {
  switch record.kind {
  case .mergeOperator:
    let it = try host.mergeOperator(record.id)
    guard let merging = it as? any TensorMerging else { throw Wrong(description: "it merges no tensors") }
    if record.id == "early.merge.sum" {
      let result = try OperatorHarness.merge(merging, [[1, 2, 3], [10, 20, 30]], shape: [3], blockSize: 2)
      try expect(result == [22, 44, 66], "it merged to \(result)")
      try expect(it.costs == 7 && it.info.note == "none", "what the later API added is \(it.costs) and \(it.info.note)")
    } else {
      let result = try OperatorHarness.merge(
        merging, [[1, 2, 3], [3, 6, 9]], shape: [3],
        parameters: Parameters(shared: ["shift": .number(2), "double": .boolean(true)], perInput: [["weight": .number(1)], ["weight": .number(0)]]))
      try expect(result == [3, 4, 5], "it merged to \(result)")
    }
    return "merges"
  case .gateLayer:
    let it = try host.gateLayer(record.id), bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 5, alignment: 8)
    defer { bytes.deallocate() }
    let verdict = try await it.judge(
      GenomeCandidate(
        direction: .inbound, contentHash: Array(0..<32), manifest: [1, 2, 3], manifestSignature: [UInt8](repeating: 9, count: 64), adapterConfiguration: [],
        weights: UnsafeRawBufferPointer(bytes), policyJSON: "accept"))
    try expect(verdict.decision == .accept && !verdict.evidence.isEmpty, "it decided \(verdict)")
    return "judges"
  case .economyRule:
    let event = EconomyEvent(type: "payment", amount: 1000, subject: "g", payer: "payer", payee: "carol")
    let postings = try host.economyRule(record.id).postings(for: event, in: View())
    try expect(postings.reduce(0) { $0 + $1.microCEN } == 0 && postings.count > 1, "it posted \(postings)")
    return "posts"
  case .trainer:
    let it = try host.trainer(record.id), line = Line()
    _ = it.info.parameters
    guard record.id.hasPrefix("early") else { return "describes itself" }
    let result = try await it.train(TrainingRequest(model: line, data: line, settingsJSON: "{}", seed: 1, resumeState: nil, observer: line))
    try expect(
      result.metrics == ["loss": 4] && Array(line.values) == [1, 0.5, 0, -0.5] && line.checkpoints == [[1, 2, 3]] && line.steps == [1], "it trained to \(Array(line.values))")
    return "trains"
  case .transport:
    let it = try host.transport(record.id)
    guard record.id.hasPrefix("early") else { return "describes itself" }
    let listener = try await it.listen(on: "silence://here")
    try expect(listener.address == "silence://here/1" && it.info.features == [.relayed], "it listens on \(listener.address)")
    await listener.close()
    return "listens"
  default: throw Wrong(description: "it is a \(record.kind)")
  }
}

let arguments = CommandLine.arguments
do {
  if arguments.count == 3, arguments[1] == "describe" {
    print(try PluginPackager.describe(arguments[2]).json)
  } else if arguments.count > 3, arguments[1] == "run" {
    for library in arguments[3...] {
      let folder = "\(arguments[2])/\(URL(fileURLWithPath: library).lastPathComponent)"
      _ = try PluginPackager(describeCommand: [arguments[0], "describe"]).pack(library, into: folder)
      let host = PluginHost(configuration: HostConfiguration(folders: [folder]))
      host.discover()
      guard let record = host.snapshot().records.first else { throw Wrong(description: "\(library): nothing was found") }
      print("\(record.title) \(record.lanes.map(\.rawValue).sorted().joined()): \(try await use(record, of: host))")
    }
  } else {
    throw Wrong(description: "usage: later-host describe LIBRARY | run FOLDER LIBRARY…")
  }
} catch {
  let sentence = (error as? HostError)?.message ?? (error as? PluginError)?.message ?? "\(error)"
  FileHandle.standardError.write(Data("\(sentence)\n".utf8))
  exit(1)
}
