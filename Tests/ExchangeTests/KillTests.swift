import CentramNode
import CentramStore
import ExchangeSamples
import Foundation
import Testing

/// kill -9 at every step of a transfer: what was acknowledged is there, nothing is half there, and the next process goes on.
@Suite struct KillTests {
  static let genomes = 2

  private struct Run {
    var lines: [String], wasKilled: Bool
    var acknowledged: Set<String> { Set(lines.filter { $0.hasPrefix("acknowledged ") }.map { String($0.dropFirst(13)) }) }
    /// Steps, accepted genomes, chunks that came, chunks that were there.
    var done: [Int]? { lines.last.flatMap { $0.hasPrefix("done ") ? $0.split(separator: " ").compactMap { Int($0) } : nil } }
  }

  private static let executable: String = {
    for path in CommandLine.arguments.filter({ $0.hasSuffix(".xctest") }) + [CommandLine.arguments[0]] {
      var folder = URL(fileURLWithPath: path).deletingLastPathComponent()
      for _ in 0..<4 {
        let file = folder.appendingPathComponent("centram-exchange-fixture").path
        if FileManager.default.isExecutableFile(atPath: file) { return file }
        folder.deleteLastPathComponent()
      }
    }
    return URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../.build/debug/centram-exchange-fixture").standardizedFileURL.path
  }()

  private func run(_ arguments: String...) throws -> Run {
    let process = Process(), output = Pipe()
    (process.executableURL, process.arguments, process.standardOutput) = (URL(fileURLWithPath: Self.executable), arguments, output)
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return Run(lines: text.split(separator: "\n").map(String.init), wasKilled: process.terminationReason == .uncaughtSignal)
  }

  @Test func aKillAtAnyStepLosesNothingAcknowledgedAndTheTransferGoesOn() throws {
    let folder = Scratch(), genomes = "\(Self.genomes)"
    let whole = try run(folder("whole"), genomes)
    let figures = try #require(whole.done, "\(whole.lines)")
    let (steps, chunks) = (figures[0], figures[2])
    #expect(figures[1] == Self.genomes && chunks >= Self.genomes * 4 - 1 && whole.acknowledged.count == Self.genomes, "\(whole.lines)")
    var names: Set<String> = [], kept = 0
    for step in 1...steps {
      let path = folder("\(step)"), killed = try run(path, genomes, "\(step)")
      #expect(killed.wasKilled, "\(step): \(killed.lines)")
      names.formUnion(killed.lines.filter { $0.hasPrefix("died ") }.map { String($0.dropFirst(5)) })
      try check(path + "/taker", has: killed.acknowledged, step)
      let next = try run(path, genomes)
      let figures = try #require(next.done, "\(step): \(next.lines)")
      #expect(figures[1] == Self.genomes && figures[2] <= chunks, "\(step): \(next.lines)")
      kept += chunks - figures[2]
      try check(path + "/taker", has: killed.acknowledged.union(next.acknowledged), step)
    }
    #expect(names.isSuperset(of: ExchangeStep.allCases.map(\.rawValue)), "\(names.sorted())")
    #expect(kept > 0, "what came before a kill is not fetched again")
  }

  private func check(_ path: String, has acknowledged: Set<String>, _ step: Int) throws {
    let store = try GenomeStore(folder: path)
    let records = try store.genomes()
    #expect(acknowledged.isSubset(of: Set(records.filter { $0.state == .accepted }.map(\.id))), "\(step)")
    for record in records {
      #expect(store.hasFiles(record), "\(step): half a genome")
      for file in record.files { #expect(throws: Never.self, "\(step)") { try store.verify(file.hash) } }
    }
    try store.close()
  }
}
