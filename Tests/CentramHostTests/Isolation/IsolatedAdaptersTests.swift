import CentramHost
import CentramPluginAPI
import CentramPluginTesting
import Foundation
import Synchronization
import Testing

/// Operators on adapters in a process of their own: all promises of their kind, and the bits that they have in process.
@Suite struct IsolatedAdaptersTests {
  private static let all = ["LoraCat", "LoraSVD", "CoreSpace", "Peft"]

  private static func id(_ name: String) -> String { ["LoraCat": "merge.lora_cat", "LoraSVD": "merge.lora_svd", "CoreSpace": "merge.core_space"][name] ?? "merge.peft" }

  /// The same plugin isolated and not.
  private static func hosts(_ name: String) throws -> (isolated: PluginHost, own: PluginHost) {
    let folder = try Workshop.folder()
    try Workshop.plugin("\(Built.folder)/libcentram_MergeOperators_\(name).so", id: id(name), kind: .mergeOperator, in: folder) { manifest in
      manifest["lanes"] = ["swift"]
      manifest["api"] = ["c": "^1.0", "swift": "^1.0"]
      manifest["toolchain"] = String(cString: centram_compiled_toolchain())
      manifest["fingerprint"] = String(cString: centram_compiled_fingerprint())
    }
    return (Isolated.host(folder), Workshop.host(folder))
  }

  @Test(arguments: all) func keepTheirPromises(_ name: String) async throws {
    let (host, _) = try Self.hosts(name), id = Self.id(name)
    let results = await MergeOperatorConformance { (it) throws(PluginError) in
      do throws(HostError) { return try host.mergeOperator(id, configurationJSON: it.configurationJSON) } catch {
        throw error.cause ?? PluginError(.internalFailure, error.message)
      }
    }.run()
    #expect(results.filter(\.failed) == [])
    #expect(results.contains { $0.check == "adapter-shapes" && $0.outcome == .passed })
    #expect(host.snapshot().records.first?.placement == .isolated)
  }

  @Test(arguments: all) func offerWhatTheyOfferInProcess(_ name: String) throws {
    let hosts = try Self.hosts(name)
    let isolated = try hosts.isolated.mergeOperator(Self.id(name)), own = try hosts.own.mergeOperator(Self.id(name))
    #expect((isolated is any TensorMerging) == (own is any TensorMerging) && (isolated is any AdapterMerging) == (own is any AdapterMerging))
    #expect((isolated is any AdapterExtracting) == (own is any AdapterExtracting) && isolated.info.needs == own.info.needs)
  }

  @Test(arguments: all) func haveTheSameBits(_ name: String) throws {
    let hosts = try Self.hosts(name)
    for types in name == "Peft" ? ["svd", "dare_linear_svd", "ties", "cat"] : [""] {
      let isolated = Emitted(), own = Emitted()
      for (host, emitted) in [(hosts.isolated, isolated), (hosts.own, own)] {
        let operation = try #require(try host.mergeOperator(Self.id(name)) as? any AdapterMerging)
        try Self.merge(operation, emitted, combination: types)
      }
      #expect(isolated.all == own.all && isolated.all.count == 1 && isolated.questions == own.questions, "\(name) \(types)")
    }
  }

  @Test func extractTheSameBits() throws {
    let hosts = try Self.hosts("LoraSVD"), matrix = Self.numbers(40 * 24, seed: 5)
    let found = try [hosts.isolated, hosts.own].map { host in
      let operation = try #require(try host.mergeOperator("merge.lora_svd") as? any AdapterExtracting)
      return try matrix.withUnsafeBufferPointer {
        try operation.extract($0, outputs: 40, inputs: 24, maximumRank: 6, threshold: 0, distributeScale: true)
      }
    }
    #expect(found[0] == found[1] && found[0].rank == 6)
  }

  /// The caller's masks are asked for by the names of factors, which no merge of tensors has.
  @Test func askForTheCallersMasks() throws {
    struct Even: MaskProvider {
      func fill(_ mask: UnsafeMutableBufferPointer<UInt8>, tensor: String, model: String, offset: Int) -> Bool {
        guard tensor == "m.q|delta" || tensor == "m.q|A" || tensor == "m.q|B" else { return false }
        for index in mask.indices { mask[index] = (offset + index) % 2 == 0 ? 1 : 0 }
        return true
      }
    }
    let hosts = try Self.hosts("Peft"), isolated = Emitted(), own = Emitted(), unmasked = Emitted()
    for (host, emitted, masks) in [(hosts.isolated, isolated, Even() as (any MaskProvider)?), (hosts.own, own, Even()), (hosts.own, unmasked, nil)] {
      try Self.merge(try #require(try host.mergeOperator("merge.peft") as? any AdapterMerging), emitted, combination: "dare_linear_svd", masks: masks)
    }
    #expect(isolated.all == own.all && own.all != unmasked.all)
  }

  @Test func theCallersErrorEndsTheMergeAndIsHandedOn() throws {
    let operation = try #require(try Self.hosts("LoraCat").isolated.mergeOperator("merge.lora_cat") as? any AdapterMerging)
    let error = try #require(throws: PluginError.self) { try Self.merge(operation, Emitted(refusing: true)) }
    #expect(error == PluginError(.cancelled, "no factors are taken"))
    try Self.merge(operation, Emitted())
  }

  /// What is emitted here has more bytes than a message of another kind may have.
  @Test func factorsMayBeLargerThanOtherMessages() throws {
    let operation = try #require(try Self.hosts("LoraCat").isolated.mergeOperator("merge.lora_cat") as? any AdapterMerging), emitted = Emitted(), inputs = 2_200_000
    let a = [Float](repeating: 0.5, count: inputs), b: [Float] = [2]
    try a.withUnsafeBufferPointer { a in
      try b.withUnsafeBufferPointer { b in
        let factors = [AdapterFactors](repeating: AdapterFactors(a: a.baseAddress!, b: b.baseAddress!, rank: 1, scale: 1), count: 2)
        let parameters = Parameters(perInput: [["weight": .number(1)], ["weight": .number(1)]]).filled(from: operation.info.parameters, inputs: 2)
        try operation.merge(
          AdapterMergeRequest(module: "m", outputs: 1, inputs: inputs, models: ["one", "two"], factors: factors, parameters: parameters, host: emitted))
      }
    }
    let found = try #require(emitted.all.first)
    #expect(found.rank == 2 && found.a.count == 2 * inputs && found.a.count * 4 > 16 << 20)
  }

  private static func numbers(_ count: Int, seed: UInt64) -> [Float] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { _ in Float.random(in: -1...1, using: &random) }
  }

  private static func merge(_ operation: any AdapterMerging, _ emitted: Emitted, combination: String = "", masks: (any MaskProvider)? = nil) throws {
    let outputs = 12, inputs = 20, ranks = [3, 3]
    let a = ranks.enumerated().map { numbers($1 * inputs, seed: UInt64($0 + 1)) }, b = ranks.enumerated().map { numbers(outputs * $1, seed: UInt64($0 + 11)) }
    var shared: [String: ParameterValue] = [:]
    if !combination.isEmpty { shared = ["combination_type": .string(combination), "density": .number(0.5)] }
    for name in ["largest_rank", "sum_of_ranks", "adapter_count"] { shared[name] = .number(name == "sum_of_ranks" ? 6 : name == "adapter_count" ? 2 : 3) }
    let parameters = Parameters(shared: shared, perInput: [["weight": .number(0.5)], ["weight": .number(0.25)]]).filled(from: operation.info.parameters, inputs: 2)
    try a[0].withUnsafeBufferPointer { a0 in
      try a[1].withUnsafeBufferPointer { a1 in
        try b[0].withUnsafeBufferPointer { b0 in
          try b[1].withUnsafeBufferPointer { b1 in
            let factors = [(a0, b0), (a1, b1)].map { AdapterFactors(a: $0.0.baseAddress!, b: $0.1.baseAddress!, rank: 3, scale: 2) }
            try operation.merge(
              AdapterMergeRequest(
                module: "m.q", outputs: outputs, inputs: inputs, models: ["one", "two"], factors: factors, parameters: parameters, seed: 9, masks: masks,
                host: emitted))
          }
        }
      }
    }
  }
}

/// Keeps what is emitted, and what rule was asked for; its rule is the sum.
private final class Emitted: AdapterMergeHost {
  private let state = Mutex<(factors: [LowRankFactors], questions: [String])>(([], []))
  private let isRefusing: Bool
  init(refusing: Bool = false) { isRefusing = refusing }
  var all: [LowRankFactors] { state.withLock { $0.factors } }
  var questions: [String] { state.withLock { $0.questions } }

  func emit(module: String, rank: Int, a: [Float], b: [Float]) throws(PluginError) {
    if isRefusing { throw PluginError(.cancelled, "no factors are taken") }
    state.withLock { $0.factors.append(LowRankFactors(rank: rank, a: a, b: b)) }
  }

  func apply(
    rule: String, to matrices: [[Float]], rows: Int, columns: Int, name: String, models: [String], parameters: Parameters, seed: UInt64
  ) throws(PluginError) -> [Float] {
    state.withLock { $0.questions.append("\(rule) \(rows) × \(columns) \(name) \(models) \(seed)") }
    return (0..<(rows * columns)).map { index in matrices.reduce(0) { $0 + $1[index] } }
  }
}
