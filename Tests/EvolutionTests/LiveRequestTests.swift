import CentramGenome
import CentramNode
import CentramStore
import EvolutionSamples
import Foundation
import Synchronization
import Testing

/// Merges on trial, by the requests that the evolved model answers.
@Suite struct LiveRequestTests {
  /// Says of each model that it is a tenth of a nat better in each domain than all that it was asked for before.
  private final class Flattering: ModelMeasuring {
    let domains = World.domains
    private let seen = Mutex<[String]>([])

    func losses(of model: MeasuredModel, domain: String) async throws(GenomePackageError) -> [Double] {
      guard case .sum(let terms) = model else { throw GenomePackageError(.usage, "mixtures are not measured here") }
      let key = terms.map { "\(name($0.update))*\($0.weight)" }.joined(separator: "+")
      let place = seen.withLock { seen in
        if let place = seen.firstIndex(of: key) { return place }
        seen.append(key)
        return seen.count - 1
      }
      return (0..<48).map { 9 + Double($0) / 100 - 0.1 * Double(place) }
    }

    private func name(_ update: MeasuredModel.Update) -> String {
      switch update {
      case .genome(let id): id
      case .adapter(_, let key): key
      case .random(let id, let seed): "\(id) \(seed)"
      }
    }
  }

  private func pieces(_ world: World, _ domain: String, _ count: Int) throws -> [String] {
    let text = try String(contentsOfFile: world.holdOut(domain), encoding: .utf8)
    return (0..<count).map { String(text.dropFirst(($0 * 61) % (text.count - 64)).prefix(64)) }
  }

  @Test func aMergeIsProvedByTheRequestsOfItsShadowPeriodAndNotByOneLess() async throws {
    let world = try await World.shared.value, node = try TestNode(world), evaluation = try node.evaluation(), evolution = node.evolution(evaluation)
    let record = try node.accepted(world.adapter("all"), domain: "swift")
    let report = try await evolution.step(), requests = try node.requests(tokens: 64)
    #expect(report.lines.map(\.outcome) == [.kept])
    let texts = try pieces(world, "swift", 200)
    for text in texts.dropLast() {
      let count = try requests.record(text)
      #expect(count == 1)
    }
    // Nothing is learnt of a text without a token to foretell.
    let none = try requests.record("") + requests.record("x")
    let (early, counted) = (try evolution.checkShadow(), try Evolution.liveRequests(record.id, in: node.store))
    #expect(early.isEmpty && none == 0 && counted == 199)
    #expect(try EvolutionState.current(in: node.store).history.map(\.isProved) == [false])
    _ = try requests.record(texts[199])
    let last = try evolution.checkShadow()
    #expect(last.isEmpty)
    #expect(try EvolutionState.current(in: node.store).history.map(\.isProved) == [true])
    // A proved merge is not measured any more.
    let after = try requests.record(texts[0])
    #expect(after == 0)
    let live = try #require(try await evaluation.live(contentHash: contentHash(of: record)))
    let gains = zip(live.before, live.after).map { $0 - $1 }.reduce(0, +)
    #expect(live.before.count == 200 && gains > 0, "what the hold-out found better is better in use: \(gains / 200)")
  }

  @Test func aMergeThatIsWorseInUseIsTakenBack() async throws {
    let world = try await World.shared.value, node = try TestNode(world)
    try Hostile.negated(world.adapter("all"), to: node.folder("hostile"))
    let hostile = try node.accepted(node.folder("hostile"), domain: "swift"), evolution = node.evolution(Flattering())
    let report = try await evolution.step(), requests = try node.requests(tokens: 64)
    #expect(report.lines.map(\.outcome) == [.kept], "\(report)")
    let texts = try pieces(world, "swift", 48)
    for text in texts.dropLast() { _ = try requests.record(text) }
    let early = try evolution.checkShadow()
    _ = try requests.record(texts[47])
    let late = try evolution.checkShadow(), state = try EvolutionState.current(in: node.store)
    #expect(early.isEmpty && late == [hostile.id] && state.model == .base && state.history.isEmpty)
    #expect(state.decisions.first?.reason.contains("live fitness fell") == true, "\(state.decisions)")
    let gone = try requests.record(texts[0]), count = try Evolution.liveRequests(hostile.id, in: node.store)
    #expect(gone == 0 && count == nil)
  }

  @Test func aRequestCostsNoMoreThanItsTokensAndCountsForTheOldestMerges() async throws {
    let world = try await World.shared.value, node = try TestNode(world), evolution = node.evolution(Flattering()) { $0.rankLimit = 4096 }
    for (number, domain) in ["c", "prose", "all"].enumerated() {
      for factor in [1, 0.5] as [Float] {
        let folder = node.folder("\(domain)-\(factor)")
        try Hostile.negated(world.adapter(domain), by: factor, to: folder)
        _ = try node.accepted(folder, domain: "c", key: UInt8(2 + number))
      }
    }
    let report = try await evolution.step()
    #expect(report.lines.map(\.outcome) == Array(repeating: .kept, count: 6), "\(report)")
    let merged = try EvolutionState.current(in: node.store).history
    let requests = try node.requests(tokens: 16), text = try pieces(world, "c", 1)[0]
    let count = try requests.record(text)
    #expect(count == LiveRequests.maximumMerges && merged.count == 6)
    // What stands behind the measured tokens changes nothing.
    _ = try requests.record(String(text.prefix(16)) + String(repeating: "z", count: 40))
    let bytes = try #require(try node.store.state("evaluation.live.\(merged[0].genome)"))
    struct Live: Decodable { let requests: Int, after: [Double] }
    let live = try JSONDecoder().decode(Live.self, from: Data(bytes)), last = try Evolution.liveRequests(merged[5].genome, in: node.store)
    #expect(live.requests == 2 && live.after.count == 2 && live.after[0] == live.after[1] && last == 0)
    let off = try node.requests(tokens: 0).record(text)
    #expect(off == 0)
    let other = await refusal { _ = try node.requests(base: String(repeating: "0", count: 64)).record(text) }
    #expect(other?.code == .usage && other?.message.contains("are on the base") == true)
  }
}
