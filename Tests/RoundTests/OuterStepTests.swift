import CentramModel
import CentramPluginAPI
import CentramWire
import Foundation
import Testing

@testable import CentramNode

/// The outer step against plain sums of matrices in float64.
@Suite struct OuterStepTests {
  static let outputs = 5, inputs = 4
  let folder = try! TemporaryFolder()

  func plan(learningRate: Double = 1, momentum: Double = 0, aggregator: String = "merge.lora_cat", _ parameters: String = "") -> WireRoundPlan {
    var plan = WireRoundPlan()
    (plan.aggregator.id, plan.aggregator.version, plan.aggregatorParameters) = (aggregator, "1.0.0", parameters)
    (plan.outerLearningRate, plan.outerMomentum) = (learningRate, momentum)
    return plan
  }

  func step(_ plan: WireRoundPlan) -> OuterStep { OuterStep(plan: plan, resolve: Linked.resolve, folder: folder(UUID().uuidString)) }

  func update(_ random: inout SeededRandom, rank: Int = 2, modules: [String] = ["p", "q"]) throws -> AdapterBlob {
    let contents = AdapterContents(
      modules: modules.map { name in
        .init(
          name: name, outputs: Self.outputs, inputs: Self.inputs, rank: rank, a: (0..<rank * Self.inputs).map { _ in Float.random(in: -1...1, using: &random) },
          b: (0..<Self.outputs * rank).map { _ in Float.random(in: -1...1, using: &random) })
      })
    let path = folder(UUID().uuidString)
    try AdapterWriter.write(contents, to: path)
    return try AdapterBlob(folder: path)
  }

  /// B·A in float64.
  func change(_ blob: AdapterBlob, _ name: String) throws -> [Double] {
    guard let module = blob.adapter.module(name) else { return Array(repeating: 0, count: Self.outputs * Self.inputs) }
    let (a, b) = try blob.adapter.factors(of: module)
    return (0..<Self.outputs).flatMap { row in
      (0..<Self.inputs).map { column in
        (0..<module.rank).reduce(0) { $0 + module.scale * Double(b[row * module.rank + $1]) * Double(a[$1 * Self.inputs + column]) }
      }
    }
  }

  /// Σ weight · B·A in float64.
  func sum(_ updates: [AdapterBlob], _ weights: [UInt32], _ name: String) throws -> [Double] {
    var total = [Double](repeating: 0, count: Self.outputs * Self.inputs)
    for (update, weight) in zip(updates, weights) {
      let own = try change(update, name)
      for index in total.indices { total[index] += own[index] * Double(weight) / 10_000 }
    }
    return total
  }

  func expectEqual(_ a: [Double], _ b: [Double], _ comment: String) {
    #expect(a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-5 }, "\(comment): \(a) and \(b)")
  }

  @Test func theExactMeanIsTheMeanOfTheProducts() throws {
    var random = SeededRandom(1)
    let updates = try (0..<3).map { _ in try update(&random) }
    let weights = RoundRules.weights(3)
    let (bytes, norm) = try step(plan()).aggregate(start: nil, updates: Array(zip(updates, weights)).map { (blob: $0, weight: $1) })
    let made = try AdapterBlob(bytes, name: "made")
    var squared = 0.0
    for name in ["p", "q"] {
      let wanted = try sum(updates, weights, name)
      expectEqual(try change(made, name), wanted, name)
      squared += wanted.reduce(0) { $0 + $1 * $1 }
    }
    #expect(abs(norm - squared.squareRoot()) < 1e-5 && made.segments.steps == 1 && made.segments.ranks["p"] == [0, 6])
  }

  @Test func theSameUpdatesGiveTheSameBytes() throws {
    var random = SeededRandom(2)
    let updates = try (0..<2).map { _ in (blob: try update(&random), weight: UInt32(5_000)) }
    for (id, parameters) in [("merge.lora_cat", ""), ("merge.lora_svd", #"{"rank": 2}"#)] {
      let made = try (0..<3).map { _ in try step(plan(aggregator: id, parameters)).aggregate(start: nil, updates: updates).bytes }
      #expect(Set(made).count == 1, "\(id)")
    }
  }

  @Test(arguments: [(1.0, 0.0), (0.7, 0.9), (1.5, 0.5)]) func fiveStepsAreThoseOfNesterovsMethod(learningRate: Double, momentum: Double) throws {
    var random = SeededRandom(3), start: AdapterBlob?
    let plan = plan(learningRate: learningRate, momentum: momentum)
    var position: [String: [Double]] = [:], velocity: [String: [Double]] = [:]
    for name in ["p", "q"] { (position[name], velocity[name]) = (Array(repeating: 0, count: 20), Array(repeating: 0, count: 20)) }
    for number in 1...5 {
      // One module is missing in some updates.
      let updates = try (0..<2).map { index in (blob: try update(&random, modules: number % 2 == 0 && index == 0 ? ["q"] : ["p", "q"]), weight: UInt32(5_000)) }
      let before = position
      for name in ["p", "q"] {
        let gradient = try sum(updates.map(\.blob), updates.map(\.weight), name)
        for index in gradient.indices {
          velocity[name]![index] = momentum * velocity[name]![index] + gradient[index]
          position[name]![index] += learningRate * (gradient[index] + momentum * velocity[name]![index])
        }
      }
      let (bytes, norm) = try step(plan).aggregate(start: start, updates: updates)
      let made = try AdapterBlob(bytes, name: "step \(number)")
      for name in ["p", "q"] { expectEqual(try change(made, name), position[name]!, "step \(number), \(name)") }
      var moved = 0.0
      for name in ["p", "q"] { for index in 0..<20 { moved += pow(position[name]![index] - before[name]![index], 2) } }
      #expect(abs(norm - moved.squareRoot()) < 1e-5, "step \(number)")
      start = made
    }
  }

  @Test func parametersThatTheOperatorDoesNotKnowAreNamed() throws {
    var random = SeededRandom(4)
    let updates = [(blob: try update(&random), weight: UInt32(10_000))]
    let error = #expect(throws: RoundError.self) { try step(plan(aggregator: "merge.lora_svd", #"{"ranks": 2}"#)).aggregate(start: nil, updates: updates) }
    #expect(error?.message.contains("has no parameter ranks") == true)
    #expect(throws: RoundError.self) { try step(plan(aggregator: "merge.none")).aggregate(start: nil, updates: updates) }
  }

  @Test func aBlobIsReadBackAndDamageIsNamed() throws {
    var random = SeededRandom(5)
    let blob = try update(&random), bytes = blob.encoded
    #expect(try AdapterBlob(bytes, name: "a").encoded == bytes)
    for length in [0, 15, 16, 23, 24, 100, bytes.count - 1] { #expect(throws: RoundError.self, "\(length) bytes") { try AdapterBlob(Array(bytes[..<length]), name: "a") } }
    var long = bytes
    long.replaceSubrange(16..<24, with: [0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])
    #expect(throws: RoundError.self) { try AdapterBlob(long, name: "a") }
  }

  @Test func mutatedBlobsAreReadOrRefusedAndNeverCrash() throws {
    var random = SeededRandom(6)
    let bytes = try update(&random).encoded, check = UpdateCheck(shapes: ["p.weight": [Self.outputs, Self.inputs]], maximumRank: 4, maximumNorm: 100)
    for _ in 0..<500 {
      var changed = bytes
      for _ in 0..<Int.random(in: 1...4, using: &random) { changed[Int.random(in: 0..<changed.count, using: &random)] = UInt8.random(in: 0...255, using: &random) }
      if let blob = try? AdapterBlob(changed, name: "a") { _ = try? check.check(blob) }
    }
  }

  @Test func updatesAreRefusedByNameForEachThingThatMustHold() throws {
    var random = SeededRandom(7)
    let shapes = ["p.weight": [Self.outputs, Self.inputs], "q.weight": [Self.outputs, Self.inputs]]
    let blob = try update(&random, rank: 3), norm = try LowRankNorm.of(blob.adapter)
    let check = UpdateCheck(shapes: shapes, maximumRank: 3, maximumNorm: norm)
    #expect(try check.check(blob) == norm)
    func sentence(_ check: UpdateCheck, _ blob: AdapterBlob) -> String {
      do throws(RoundError) { _ = try check.check(blob) } catch { return error.message }
      return "taken"
    }
    #expect(sentence(UpdateCheck(shapes: shapes, maximumRank: 2, maximumNorm: nil), blob).contains("has the rank 3; the round trains with at most 2"))
    #expect(sentence(UpdateCheck(shapes: shapes, maximumRank: 3, maximumNorm: norm.nextDown), blob).contains("the round allows"))
    #expect(sentence(UpdateCheck(shapes: ["p.weight": [5, 4]], maximumRank: 3, maximumNorm: nil), blob).contains("the base has no such layer"))
    #expect(sentence(UpdateCheck(shapes: ["p.weight": [5, 3], "q.weight": [5, 4]], maximumRank: 3, maximumNorm: nil), blob).contains("the base has no such layer"))
    // The last float of the file becomes NaN.
    var bytes = blob.encoded
    bytes.replaceSubrange((bytes.count - 4)..., with: [0, 0, 0xc0, 0x7f])
    #expect(sentence(check, try AdapterBlob(bytes, name: "nan")).contains("NaN"))
    let (aggregate, _) = try step(plan()).aggregate(start: nil, updates: [(blob: blob, weight: 10_000)])
    #expect(sentence(check, try AdapterBlob(aggregate, name: "aggregate")).contains("no segments of earlier steps"))
  }
}
