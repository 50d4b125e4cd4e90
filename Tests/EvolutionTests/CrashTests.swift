import CentramNode
import CentramStore
import EvolutionSamples
import Foundation
import Testing

/// kill -9 at every step of a merge: the old model or the new one, whole.
@Suite struct CrashTests {
  private static let fixture = Bundle.main.bundleURL.deletingLastPathComponent()

  private struct Run {
    let status: Int32, wasKilled: Bool, lines: [String]
    var steps: Int? { lines.last.flatMap { $0.hasPrefix("done ") ? Int($0.dropFirst(5)) : nil } }
  }

  private static func executable() throws -> String {
    for folder in [Bundle.main.bundleURL, Bundle.main.bundleURL.deletingLastPathComponent(), URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()] {
      let path = folder.appendingPathComponent("centram-evolve-fixture").path
      if FileManager.default.isExecutableFile(atPath: path) { return path }
    }
    throw CocoaError(.fileNoSuchFile)
  }

  private func run(_ folder: String, _ work: String, _ step: Int? = nil) throws -> Run {
    let process = Process(), output = Pipe()
    process.executableURL = URL(fileURLWithPath: try Self.executable())
    process.arguments = [folder, work] + (step.map { ["\($0)"] } ?? [])
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return Run(
      status: process.terminationStatus, wasKilled: process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGKILL,
      lines: text.split(separator: "\n").map(String.init))
  }

  /// Every model that may stand is whole: its genome is there, signed, with its files, and the royalty log counts what the history holds.
  private func check(_ folder: String) throws -> EvolutionState {
    let store = try GenomeStore(folder: folder + "/genomes")
    let library = GenomeLibrary(store: store, identity: NodeIdentity(seed: [UInt8](repeating: 1, count: 32)), now: { 1 })
    let state = try EvolutionState.current(in: store), events = try Evolution.royalties(in: store)
    for genome in state.model.genomes { _ = try library.verify(try store.genome(genome)) }
    #expect(state.history.last.map { $0.after == state.model } ?? (state.model == .base))
    for (one, next) in zip(state.history, state.history.dropFirst()) { #expect(one.after == next.before) }
    #expect(events.map(\.number) == Array(1...max(1, events.count)).prefix(events.count).map { $0 } && events.count == state.royalties)
    #expect(events.count { $0.kind == .merge } == state.merges && events.count { $0.kind == .merge } - events.count { $0.kind == .revert } == state.history.count)
    for entry in state.history {
      let live = try store.state("evaluation.live.\(entry.genome)")
      #expect(live != nil)
    }
    let findings = try store.check().filter { !$0.message.contains("in the database alone") }
    #expect(findings.isEmpty, "\(findings)")
    try store.close()
    return state
  }

  @Test(arguments: ["merge", "mixture"]) func aKillAtAnyStepLeavesTheOldModelOrTheNewOne(work: String) throws {
    let folder = try TemporaryFolder()
    let prepared = try run(folder("whole"), "prepare")
    #expect(prepared.status == 0)
    let whole = try run(folder("whole"), work), count = try #require(whole.steps, "\(whole.lines)"), last = try check(folder("whole"))
    #expect(last.history.count == 3 && count > 12, "\(whole.lines)")
    for step in 1...count {
      let place = folder("\(step)")
      _ = try run(place, "prepare")
      let killed = try run(place, work, step)
      #expect(killed.wasKilled && killed.lines.last?.hasPrefix("died ") == true, "\(step): \(killed.lines)")
      let between = try check(place)
      #expect(between.history.count <= 3)
      // The next run ends where an unbroken one does, with the same genomes.
      let rest = try run(place, work), state = try check(place)
      #expect(rest.status == 0 && state.model == last.model && state.history.map(\.genome) == last.history.map(\.genome), "\(step): \(rest.lines)")
    }
  }

  @Test func aKillWhileGoingBackLeavesTheNewModelOrTheOldOne() throws {
    let folder = try TemporaryFolder()
    func prepared(_ place: String) throws -> EvolutionState {
      _ = try run(place, "prepare")
      _ = try run(place, "merge")
      return try check(place)
    }
    let before = try prepared(folder("whole")), whole = try run(folder("whole"), "revert"), count = try #require(whole.steps), after = try check(folder("whole"))
    #expect(before.history.count == 3 && after.history.count == 2 && after.model == before.history[2].before)
    for step in 1...count {
      let start = try prepared(folder("\(step)"))
      let killed = try run(folder("\(step)"), "revert", step), state = try check(folder("\(step)"))
      #expect(killed.wasKilled && (state.model == start.model || state.model == start.history[2].before), "\(step)")
    }
  }
}
