import Foundation
import Testing

/// The shim in its simulator, under sanitizers. `Tests/QuicSimulation/run.sh` does the same with other numbers; CENTRAM_FUZZ_ROUNDS multiplies them.
@Suite(.timeLimit(.minutes(5))) struct QuicSimulationTests {
  static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("QuicSimulation/run.sh").path

  @Test func survivesFaultsGarbageAndHostilePeersUnderSanitizers() throws {
    let rounds = ProcessInfo.processInfo.environment["CENTRAM_FUZZ_ROUNDS"].flatMap { Int($0) } ?? 1
    let process = Process(), output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["bash", Self.script, "seeds", "1", "\(8 * rounds)", "garbage", "\(20_000 * rounds)", "hostile", "\(60 * rounds)"]
    (process.standardOutput, process.standardError) = (output, output)
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(text.suffix(3000))")
    #expect(
      text.contains("\(8 * rounds) seeds from 1, each twice with the same trace") && text.contains("the honest peer was served") && text.contains("hostile connections"), "\(text)")
  }
}
