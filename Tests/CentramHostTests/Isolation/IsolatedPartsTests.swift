import CSandbox
@testable import CentramIsolation
import CentramBlocks
import CentramHost
import CentramModel
import CentramNode
import CentramNumerics
import CentramPluginAPI
import CentramPluginTesting
import Foundation
import Synchronization
import Testing

/// Merges whose inputs a plugin's process reads from the models' files by itself.
@Suite struct IsolatedPartsTests {
  static let methods = [
    "ArceeFusion", "Breadcrumbs", "BreadcrumbsTies", "DareLinear", "DareTies", "Della", "DellaLinear", "Karcher", "Linear", "ModelStock", "MultiSlerp", "NearSwap",
    "NuSlerp", "Passthrough", "Ram", "RamPlusTl", "Sce", "Slerp", "TaskArithmetic", "Ties",
  ]

  /// A folder with one of the operators that lie beside the tests, and its id.
  private static func folder(_ method: String) throws -> (folder: String, id: String) {
    let library = "\(Built.folder)/libcentram_MergeOperators_\(method).so", folder = try Workshop.folder()
    let description = try PluginDescription(ofLibrary: library)
    try Workshop.plugin(library, id: description.id, kind: .mergeOperator, version: description.version, in: folder) { manifest in
      manifest["lanes"] = ["swift"]
      manifest["api"] = ["c": "^1.0", "swift": "^1.0"]
      manifest["toolchain"] = description.toolchain
      manifest["fingerprint"] = description.fingerprint
    }
    return (folder, description.id)
  }

  private static func parameters(_ info: MergeOperatorInfo, inputs: Int, baseIndex: Int?) -> Parameters {
    var parameters = Parameters(perInput: Array(repeating: [:], count: inputs))
    for one in info.parameters where one.defaultValue == nil && one.type == .number {
      let value = ParameterValue.number(one.limits.map { min(max(0.5, $0.lowerBound), $0.upperBound) } ?? 0.5)
      if one.scope == .shared { parameters.shared[one.name] = value } else { for input in 0..<inputs where input != baseIndex { parameters.perInput[input][one.name] = value } }
    }
    return parameters.filled(from: info.parameters, inputs: inputs)
  }

  private static func outcome(_ sink: BytesSink, _ body: () throws -> Void) -> Result<[UInt8], PluginError> {
    do { try body() } catch let error { return .failure(error as? PluginError ?? PluginError(.internalFailure, "\(error)")) }
    return .success(sink.bytes)
  }

  @Test(arguments: methods) func filesGiveTheSameBitsInAProcessOfItsOwn(method: String) throws {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededGenerator(seed: seed)
    let (folder, id) = try Self.folder(method)
    // Several parts a stripe.
    let isolated = try Isolated.host(folder) { $0.elementsAtOnce = 3000 }.mergeOperator(id)
    let own = try Workshop.host(folder, trust: TrustPolicy(untrusted: .allow)).mergeOperator(id), info = own.info
    for round in 0..<4 {
      let others = min(max(2, info.inputs.lowerBound), info.inputs.upperBound), hasBase = info.needs.contains(.base)
      let inputs = others + (hasBase && !info.needs.contains(.baseAsInput) ? 1 : 0), baseIndex = hasBase ? 0 : nil
      let shapes = [[Int.random(in: 1...40_000, using: &random)], [Int.random(in: 1...90, using: &random), Int.random(in: 1...400, using: &random)], [7, 1], []]
      var files = try FileCase.random(shape: shapes[round], models: inputs, &random)
      files.blockSize = Int.random(in: 500...5000, using: &random)
      files.workers = Int.random(in: 1...3, using: &random)
      files.rounding = Bool.random(using: &random) ? FloatFormat.allCases.randomElement(using: &random) : nil
      let output = FloatFormat.allCases.randomElement(using: &random) ?? .bfloat16, allows = Bool.random(using: &random)
      let parameters = Self.parameters(info, inputs: inputs, baseIndex: baseIndex)
      let here = BytesSink(output, count: files.count, allowsNonFinite: allows), there = BytesSink(output, count: files.count, allowsNonFinite: allows)
      var watched: WatchedDriver?
      let expected = Self.outcome(here) { _ = try files.merge(own, into: here, baseIndex: baseIndex, parameters) }
      let found = Self.outcome(there) { watched = try files.merge(isolated, into: there, baseIndex: baseIndex, parameters) }
      let isSame = found == expected
      #expect(isSame, "\(method), seed \(seed), round \(round), shape \(files.shape)")
      if case .success = found {
        let (parts, passes) = (watched?.parts.load(ordering: .relaxed) ?? 0, watched?.passesInBlocks.load(ordering: .relaxed) ?? -1)
        #expect(parts > 0 && passes == 0, "\(method): \(parts) parts, \(passes) passes in blocks")
        let moved = watched?.moved.load(ordering: .relaxed)
        #expect(moved == 0, "with \(files.workers) threads")
      } else if round == 0 {
        Issue.record("\(method), seed \(seed): \(expected)")
      }
    }
  }

  @Test func aThreadFollowsAnotherToWhereItMayRunAndGoesBack() async {
    typealias Places = (before: [Int], following: [Int], statuses: [Int32], after: [Int])
    let places: Places = await withCheckedContinuation { continuation in
      Thread {
        let before = allowedProcessors(), last = before.last ?? 0
        var statuses = [centram_follow(Int32(last)), centram_follow(Int32(last))]
        let following = allowedProcessors()
        statuses += [centram_follow(100_000), centram_follow(Int32((0...).first { !before.contains($0) } ?? 0)), centram_follow(-1), centram_follow(-7)]
        continuation.resume(returning: (before, following, statuses, allowedProcessors()))
      }.start()
    }
    #expect(places.following == [places.before.last] && places.after == places.before)
    #expect(places.statuses == [0, 0, -EINVAL, -EINVAL, 0, 0])
  }

  @Test(arguments: ["crash", "abort", "exit", "hang", "close", "garbage", "short", "forge", "giant", "write-input"])
  func aFaultInAPartIsOneTypedErrorAndTheNextMergeGoesWell(mode: String) throws {
    let host = try IsolatedFaultTests.host {
      $0.callSeconds[.mergeOperator] = mode == "hang" ? 1 : 20
      $0.elementsAtOnce = 2000
    }
    let operation = try host.mergeOperator("fault")
    var random = SeededGenerator(seed: 1)
    var files = try FileCase.random(shape: [20_000], models: 1, formats: [.float32], &random)
    files.blockSize = 1000
    let contents = try Data(contentsOf: URL(fileURLWithPath: files.files[0].path))
    let fault = Parameters(shared: ["mode": .string(mode), "place": .string("block")]), sink = BytesSink(.float32, count: files.count)
    let error = try #require(throws: PluginError.self) { _ = try files.merge(operation, into: sink, fault) }
    #expect(error.code == (mode == "hang" ? .limitExceeded : .internalFailure) && error.message.contains("the process of"), "\(error)")
    let watched = try files.merge(operation, into: sink, Parameters(shared: ["mode": .string(""), "place": .string("")]))
    let passes = watched.passesInBlocks.load(ordering: .relaxed)
    #expect(passes == 0)
    // Twice the first input, exactly.
    var first: Float = 0, expected: Float = 0
    withUnsafeMutableBytes(of: &first) { $0.copyBytes(from: sink.bytes[..<4]) }
    try files.source(0).read(offset: 0, count: 1, into: &expected)
    #expect(first == 2 * expected)
    #expect(try Data(contentsOf: URL(fileURLWithPath: files.files[0].path)) == contents, "a model's file cannot be written")
  }

  @Test func aProcessKilledBetweenTwoPartsIsOneTypedErrorAndTheNextMergeGoesWell() throws {
    let host = try IsolatedFaultTests.host { $0.elementsAtOnce = 1000 }, operation = try host.mergeOperator("fault")
    let pid = try #require(host.snapshot().records.first?.health?.pid)
    var random = SeededGenerator(seed: 2)
    var files = try FileCase.random(shape: [30_000], models: 1, &random)
    files.blockSize = 1000
    let sink = BytesSink(.bfloat16, count: files.count), settings = Parameters(shared: ["mode": .string(""), "place": .string("")])
    let error = try #require(throws: PluginError.self) { _ = try files.merge(operation, into: sink, settings) { if $0 == 5 { kill(pid, SIGKILL) } } }
    #expect(error.code == .internalFailure && error.message.contains("was killed"), "\(error)")
    let watched = try files.merge(operation, into: sink, settings)
    let parts = watched.parts.load(ordering: .relaxed)
    var values = [Float](repeating: 0, count: files.count), expected = [UInt8](repeating: 0, count: 2 * files.count)
    try files.source(0).read(offset: 0, count: files.count, into: &values)
    FloatFormat.bfloat16.encode(values.map { 2 * $0 }, count: files.count, into: &expected)
    let isSame = sink.bytes == expected
    #expect(parts == 30 && isSame)
  }

  @Test func aModelFileThatBecameShorterIsOneTypedErrorAndTheNextMergeGoesWell() throws {
    let operation = try IsolatedFaultTests.host().mergeOperator("fault"), settings = Parameters(shared: ["mode": .string(""), "place": .string("")])
    var random = SeededGenerator(seed: 3)
    let files = try FileCase.random(shape: [100_000], models: 1, &random), whole = try FileCase.random(shape: [100], models: 1, &random)
    #expect(truncate(files.files[0].path, 4096) == 0)
    let error = try #require(throws: PluginError.self) { _ = try files.merge(operation, into: BytesSink(.float32, count: files.count), settings) }
    #expect(error.code == .internalFailure && error.message.contains("a model file became shorter"), "\(error)")
    _ = try whole.merge(operation, into: BytesSink(.float32, count: whole.count), settings)
  }

  @Test func aFileThatWasReplacedIsReadByTheHostAsBefore() throws {
    let operation = try IsolatedFaultTests.host().mergeOperator("fault"), settings = Parameters(shared: ["mode": .string(""), "place": .string("")])
    var random = SeededGenerator(seed: 4)
    let files = try FileCase.random(shape: [5000], models: 1, &random), other = try FileCase.random(shape: [5000], models: 1, &random)
    let before = BytesSink(.float32, count: 5000), after = BytesSink(.float32, count: 5000)
    _ = try files.merge(operation, into: before, settings)
    let descriptor = try #require(files.files[0].openAgain())
    close(descriptor)
    #expect(rename(other.files[0].path, files.files[0].path) == 0)
    #expect(files.files[0].openAgain() == nil)
    // Asked by a new instance, which has no file of it mapped.
    let watched = try files.merge(IsolatedFaultTests.host().mergeOperator("fault"), into: after, settings)
    let passes = watched.passesInBlocks.load(ordering: .relaxed)
    #expect(passes == 1 && before.bytes == after.bytes)
  }

  @Test func whatMayNotBeInAnInputOrAnOutputIsSaidAsInProcess() throws {
    var values = [Float](repeating: 1, count: 9000)
    values[8123] = .nan
    let nonFinite = try FileCase(shape: [9000], [(.bfloat16, values)]), fine = try FileCase(shape: [2], [(.float32, [1, 40_000])])
    let operation = try IsolatedFaultTests.host().mergeOperator("fault"), settings = Parameters(shared: ["mode": .string(""), "place": .string("")])
    let input = try #require(throws: PluginError.self) { _ = try nonFinite.merge(operation, into: BytesSink(.float32, count: 9000), settings) }
    #expect(input == PluginError(.invalid, "input 0 holds NaN or infinity at element 8123"))
    let output = try #require(throws: PluginError.self) { _ = try fine.merge(operation, into: BytesSink(.float16, count: 2), settings) }
    #expect(output == PluginError(.inputOutput, "element 1 is 80000.0"))
    let permitted = BytesSink(.float16, count: 2, allowsNonFinite: true)
    _ = try fine.merge(operation, into: permitted, settings)
    #expect(permitted.bytes == [0, 0x40, 0, 0x7c])
  }

  @Test func partsUnderWayWhenOneFailsAreTakenBeforeTheNextMerge() throws {
    // As many channels as a merge needs: one that were lost would be missed.
    let host = try IsolatedFaultTests.host { ($0.elementsAtOnce, $0.channels) = (1000, 3) }, operation = try host.mergeOperator("fault")
    let pid = host.snapshot().records.first?.health?.pid, settings = Parameters(shared: ["mode": .string(""), "place": .string("")])
    for place in [0, 5500, 19_999] {
      var values = (0..<20_000).map { Float($0 % 100) }
      for isGood in [false, true] {
        values[place] = isGood ? 7 : .infinity
        var files = try FileCase(shape: [20_000], [(.float32, values)])
        files.blockSize = 500
        let sink = BytesSink(.float32, count: 20_000)
        if isGood {
          _ = try files.merge(operation, into: sink, settings)
          let found = sink.bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }, expected = values.map { 2 * $0 }, isSame = found == expected
          #expect(isSame)
        } else {
          let error = try #require(throws: PluginError.self) { _ = try files.merge(operation, into: sink, settings) }
          #expect(error == PluginError(.invalid, "input 0 holds NaN or infinity at element \(place)"))
        }
      }
    }
    #expect(host.snapshot().records.first?.health?.pid == pid)
  }

  @Test(arguments: ["", "dtype: float16\n", "out_dtype: float32\n"]) func aMergeOfCheckpointsWritesTheSameFileIsolated(setting: String) throws {
    var random = SeededGenerator(seed: 5)
    let models = try Workshop.folder("checkpoints"), (folder, id) = try Self.folder("Linear")
    for name in ["a", "b"] {
      try FileManager.default.createDirectory(atPath: "\(models)/\(name)", withIntermediateDirectories: true)
      let shapes = [("model.embed_tokens.weight", [300, 64]), ("model.norm.weight", [64]), ("empty", [0, 4])]
      let writer = try SafetensorsWriter(
        path: "\(models)/\(name)/model.safetensors", items: shapes.map { SafetensorsWriter.Item(name: $0.0, format: .bfloat16, shape: $0.1) })
      for (tensor, shape) in shapes {
        let values = (0..<shape.reduce(1, *)).map { _ in Float.random(in: -0.05...0.05, using: &random) }
        var bytes = [UInt8](repeating: 0, count: values.count * 2)
        FloatFormat.bfloat16.encode(values, count: values.count, into: &bytes)
        try bytes.withUnsafeBytes { try writer.write($0, of: tensor, at: 0) }
      }
    }
    var outputs: [Data] = []
    for host in [Isolated.host(folder), Workshop.host(folder, trust: TrustPolicy(untrusted: .allow))] {
      let text = "merge_method: linear\n\(setting)models:\n" + ["a", "b"].map { "  - model: \(models)/\($0)\n    parameters: {weight: 0.7}\n" }.joined()
      let job = try MergeJob(configuration: text, name: "test", operators: OperatorChoice(host), options: MergeOptions()), output = "\(models)/out-\(outputs.count)"
      _ = try job.run(output: output, observer: MergeObserver())
      outputs.append(try Data(contentsOf: URL(fileURLWithPath: output + "/model.safetensors")))
      let placement = host.snapshot().records.first { $0.id == id }?.placement
      #expect(placement == (outputs.count == 1 ? .isolated : .inProcess))
    }
    #expect(outputs[0] == outputs[1] && outputs[0].count > 300 * 64 * 2)
  }
}
