import CentramPluginAPI
import Foundation
import Testing

@Suite struct ThousandFaultsTests {
  private struct Count: Decodable {
    let faults: Int, errors: Int, servedAfterwards: Int, unexpected: [String], mergesInProcess: Int, mergesIsolated: Int
    let restarts: Int, descriptorsBefore: Int, descriptorsAfter: Int, childrenLeft: Int, residentBefore: Int, residentAfter: Int
  }

  @Test func aThousandFaultsCostOneErrorEachWhileTheHostServes() throws {
    let seed = UInt64.random(in: 0 ... .max)
    let folder = try Workshop.folder()
    try Workshop.plugin(Workshop.library("fault"), id: "test.merge.fault", kind: .mergeOperator, in: folder)
    try Workshop.plugin(Workshop.library("merge"), id: "test.merge.center", kind: .mergeOperator, in: folder)
    try Workshop.plugin(Workshop.library("gate"), id: "test.gate.policy", kind: .gateLayer, in: folder)
    let (status, output) = try Workshop.run([Built.folder + "/centram-isolation-fixture", folder, Isolated.runner, "1000", "\(seed)"])
    print("a thousand faults, seed \(seed): \(output)")
    let line = try #require(output.split(separator: "\n").last)
    let count = try JSONDecoder().decode(Count.self, from: Data(line.utf8))
    #expect(status == 0 && count.faults == 1000 && count.errors == 1000 && count.servedAfterwards == 1000 && count.unexpected == [], "seed \(seed)")
    #expect(count.mergesInProcess > 1000 && count.mergesIsolated > 1000)
    #expect(count.restarts > 300 && count.childrenLeft == 0)
    // A process, and what it shares, is gone with its end: at most the few that are up now differ.
    #expect(count.descriptorsAfter <= count.descriptorsBefore + 16, "\(count.descriptorsBefore) before, \(count.descriptorsAfter) after")
    #expect(count.residentAfter <= count.residentBefore + 64 << 20)
  }
}
