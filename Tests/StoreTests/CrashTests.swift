import CentramStore
import Foundation
import StoreSamples
import Testing

/// kill -9 at every step: what was acknowledged is there, and nothing is half there.
@Suite struct CrashTests {
  let folder = try! TemporaryFolder()

  /// How many steps a whole run has.
  private func steps(_ work: String, _ arguments: (String, String), in folder: String) throws -> Int {
    let result = try Fixture.run(folder, work, arguments.0, arguments.1)
    return try #require(result.lines.last.flatMap { $0.hasPrefix("done ") ? Int($0.dropFirst(5)) : nil }, "\(result.lines)")
  }

  private func check(_ path: String, has acknowledged: [String]) throws {
    let store = try GenomeStore(folder: path)
    let records = try store.genomes()
    #expect(Set(acknowledged).isSubset(of: Set(records.map(\.id))))
    for record in records {
      for file in record.files { #expect(refusal { () throws(StoreError) in try store.verify(file.hash) } == nil) }
    }
    // What the crash left in the database alone gets its file.
    _ = try store.completeManifests { (record) throws(StoreError) in record.manifest }
    _ = try store.collect(now: .max)
    let (findings, temporary) = (try store.check(), try FileManager.default.contentsOfDirectory(atPath: path + "/temporary"))
    #expect(findings.isEmpty && temporary.isEmpty, "\(findings) \(temporary)")
    for record in records { #expect(store.hasFiles(record)) }
    try store.close()
  }

  @Test(arguments: ["add", "append"]) func aKillAtAnyStepOfWritingLosesNothingAcknowledged(work: String) throws {
    let count = try steps(work, ("1", "3"), in: folder("whole"))
    #expect(count >= 3 * 9)
    for step in 1...count {
      let path = folder("\(step)")
      let result = try Fixture.run(path, work, "1", "3", "\(step)")
      #expect(result.wasKilled && result.lines.last?.hasPrefix("died ") == true, "\(step): \(result.lines)")
      try check(path, has: result.acknowledged)
      // It goes on as if nothing had been.
      let rest = try Fixture.run(path, work, "100", "2")
      #expect(rest.status == 0, "\(step): \(rest.lines)")
      let store = try GenomeStore(folder: path)
      let own = try store.genomes(state: .own).map(\.sequence).sorted()
      #expect(own == (work == "append" ? (0..<own.count).map { UInt64($0 + 1) } : []))
      try store.close()
    }
  }

  @Test func aKillAtAnyStepOfAJudgementKeepsAllOfItOrNothing() throws {
    let count = try steps("judge", ("1", "2"), in: folder("whole"))
    #expect(count == 2 * 11)
    for step in 1...count {
      let path = folder("\(step)")
      let result = try Fixture.run(path, "judge", "1", "2", "\(step)")
      #expect(result.wasKilled && result.lines.last?.hasPrefix("died ") == true, "\(step): \(result.lines)")
      try check(path, has: result.acknowledged)
      let store = try GenomeStore(folder: path)
      for record in try store.genomes() {
        let (verdicts, metrics, log) = (try store.verdicts(of: record.id), try store.metrics(of: record.id), try store.log(of: record.author))
        let history = try store.history(of: record.author, branch: "", since: 0), sketches = try store.sketches(base: record.base, except: "", limit: 9)
        let isKept = record.state == .accepted
        #expect(isKept || !result.acknowledged.contains(record.id), "\(step)")
        #expect(verdicts.count == (isKept ? 2 : 0) && metrics.count == (isKept ? 1 : 0) && (log != nil) == isKept, "\(step)")
        #expect(history.accepted == (isKept ? 1 : 0) && history.admissions.count == history.accepted && sketches.contains { $0.genome == record.id } == isKept, "\(step)")
      }
      try store.close()
    }
  }

  @Test func aKillAtAnyStepKeepsWhatAMessageAttestedOrNothingOfIt() throws {
    let count = try steps("attest", ("1", "3"), in: folder("whole"))
    #expect(count == 3 * 2)
    for step in 1...count {
      let path = folder("\(step)"), result = try Fixture.run(path, "attest", "1", "3", "\(step)")
      #expect(result.wasKilled && result.lines.last?.hasPrefix("died attestations") == true, "\(step): \(result.lines)")
      let store = try GenomeStore(folder: path), kept = try store.attestations(limit: .max), acknowledged = result.acknowledged.count
      // The transaction in which it died is there whole or not at all.
      let committed = step % 2 == 0 ? acknowledged + 1 : acknowledged
      #expect(kept == (committed == 0 ? [] : Sample.attestations(committed)), "\(step)")
      try store.close()
    }
  }

  @Test func aKillAtAnyStepOfACollectionTakesNothingThatIsNeeded() throws {
    func prepared(_ path: String) throws -> [String] {
      let store = try GenomeStore(folder: path)
      for number in 1...4 { try Sample(number, author: number).add(to: store) }
      for number in 1...2 { try store.decide(Sample.id(number), .rejected, advancesLog: true, now: 2) }
      for number in 20...22 { _ = try store.put([UInt8](repeating: UInt8(number), count: 10), now: 1) }
      try store.close()
      return [3, 4].map(Sample.id)
    }
    _ = try prepared(folder("whole"))
    let count = try steps("collect", ("0", "1"), in: folder("whole"))
    #expect(count == 6)
    for step in 1...count {
      let path = folder("\(step)"), kept = try prepared(path)
      let result = try Fixture.run(path, "collect", "0", "1", "\(step)")
      #expect(result.wasKilled)
      let store = try GenomeStore(folder: path)
      for id in kept {
        for file in try store.genome(id).files { #expect(refusal { () throws(StoreError) in try store.verify(file.hash) } == nil) }
      }
      _ = try store.collect(now: .max)
      let (findings, left) = (try store.check(), try store.collect(now: .max))
      #expect(findings.isEmpty && left == .init())
      try store.close()
    }
  }

  @Test(arguments: 1...3) func aKillAtAnyStepOfARepairLeavesTheNextOneToDoIt(step: Int) throws {
    let path = folder("genomes")
    let written = try Fixture.run(path, "append", "1", "3").acknowledged
    try Data("damaged".utf8).write(to: URL(fileURLWithPath: path + "/genomes.sqlite"))
    #expect(try Fixture.run(path, "repair", "0", "0", "\(step)").wasKilled)
    if refusal({ () throws(StoreError) in try GenomeStore(folder: path).close() }) != nil {
      #expect(try Fixture.run(path, "repair", "0", "0").lines.last == "repaired 3")
    }
    try check(path, has: written)
  }

  /// Runs until a small file system is full; nil where the system lets nobody mount one.
  @Test func aFullDiskIsAnErrorAndLosesNothing() throws {
    try FileManager.default.createDirectory(atPath: folder("disk"), withIntermediateDirectories: true)
    let script = """
      mount -t tmpfs -o size=700k tmpfs \(folder("disk")) || exit 99
      \(Fixture.executable) \(folder("disk/genomes")) fill 1 1000
      cp -r \(folder("disk/genomes")) \(folder("copy"))
      """
    let process = Process(), output = Pipe(), errors = Pipe()
    (process.executableURL, process.arguments) = (URL(fileURLWithPath: "/usr/bin/unshare"), ["-rm", "sh", "-c", script])
    (process.standardOutput, process.standardError) = (output, errors)
    try process.run()
    let lines = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).split(separator: "\n").map(String.init)
    process.waitUntilExit()
    guard process.terminationStatus == 0, FileManager.default.fileExists(atPath: folder("copy")) else {
      print("this system lets nobody mount in a namespace, so no full disk was tried")
      return
    }
    let last = try #require(lines.last)
    #expect(last.hasPrefix("failed full ") || last.hasPrefix("failed storage "), "\(last)")
    let acknowledged = lines.filter { $0.hasPrefix("acknowledged ") }.map { String($0.dropFirst(13)) }
    #expect(acknowledged.count > 3)
    try check(folder("copy"), has: acknowledged)
  }
}
