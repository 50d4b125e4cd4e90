import Foundation
import TestServer
import Testing

/// `centram-host model` against a hub on loopback.
@Suite struct ModelStoreTests {
  private static let weights: [UInt8] = (0..<3_000_000).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 11) }
  /// Where the hub's last byte waits until the test lets it go.
  private func hub(_ answer: @escaping @Sendable (ScriptedServer.Request) -> ScriptedServer.Response = { .file(weights, $0) }) throws -> ScriptedServer {
    let folder = try TemporaryFolder()
    try Data(Self.weights).write(to: URL(fileURLWithPath: folder("w")))
    let sum = try Binary.Running("/usr/bin/sha256sum", [folder("w")], [:]).wait().output.prefix(64)
    return try ScriptedServer { request in
      switch request.path {
      case "/me/tiny/resolve/main/SHA256SUMS": .text("\(sum)  tiny.gguf\n")
      case "/me/tiny/resolve/main/tiny.gguf": answer(request)
      default: .missing
      }
    }
  }

  @Test func downloadsListsVerifiesAndRemoves() throws {
    let home = try TemporaryFolder(), server = try hub()
    let environment = ["HOME": home.path]
    let fetched = try Binary.run(["model", "download", "me/tiny", "--from", server.address], environment: environment)
    #expect(fetched.status == 0, "\(fetched.errors)")
    #expect(fetched.output.contains("me/tiny: 1 file, 3.0 MB"))
    #expect(try Binary.run(["model", "list"], environment: environment).output.contains("me/tiny"))
    #expect(try Binary.run(["model", "verify", "me/tiny"], environment: environment).status == 0)
    #expect(try Binary.run(["model", "remove", "me/tiny"], environment: environment).output.contains("3.0 MB free"))
    #expect(try Binary.run(["model", "verify", "me/tiny"], environment: environment).status == 65)
  }

  /// Half of the file comes, then nothing more until the signal has ended the command.
  private func halfADownload(to home: TemporaryFolder, endedBy signal: Int32) throws -> Binary.Result {
    let started = DispatchSemaphore(value: 0), gate = DispatchSemaphore(value: 0)
    let slow = try hub { request in
      if request.offset > 0 {
        started.signal()
        gate.wait()
      }
      return .file(Self.weights, request, cutAfter: 1_500_000)
    }
    let running = try Binary.start(["model", "download", "me/tiny", "--from", slow.address], environment: ["HOME": home.path])
    started.wait()
    kill(running.process.processIdentifier, signal)
    defer { gate.signal() }
    return running.wait()
  }

  @Test func aKilledDownloadGoesOnWhereItWas() throws {
    let home = try TemporaryFolder()
    #expect(try halfADownload(to: home, endedBy: SIGKILL).wasKilled)
    let healthy = try hub()
    let result = try Binary.run(["model", "download", "me/tiny", "--from", healthy.address], environment: ["HOME": home.path])
    #expect(result.status == 0, "\(result.errors)")
    #expect(healthy.requests.map(\.offset).contains(1_500_000))
    #expect(try Binary.run(["model", "verify", "me/tiny"], environment: ["HOME": home.path]).status == 0)
  }

  @Test func anInterruptedDownloadSaysSoAndIsKept() throws {
    let home = try TemporaryFolder()
    let result = try halfADownload(to: home, endedBy: SIGINT)
    #expect(result.status == 130 && result.errors.contains("cancelled"))
    let parts = try FileManager.default.subpathsOfDirectory(atPath: home.path).filter { $0.contains("/partial/") }
    #expect(parts.count == 1)
  }

  @Test func aFullDiskIsAnErrorAndKeepsWhatFits() throws {
    let folder = try TemporaryFolder(), server = try hub()
    try FileManager.default.createDirectory(atPath: folder("disk"), withIntermediateDirectories: true)
    let script = """
      mount -t tmpfs -o size=2000k tmpfs \(folder("disk")) || exit 99
      \(Binary.host) model download me/tiny --from \(server.address) --models \(folder("disk/models"))
      status=$?
      stat -c %s \(folder("disk/models/partial"))/*
      exit $status
      """
    let result = try Binary.Running("/usr/bin/unshare", ["-rm", "sh", "-c", script], [:]).wait()
    if result.status == 99 || result.errors.contains("unshare") {
      print("this system lets nobody mount in a namespace, so no full disk was tried")
      return
    }
    #expect(result.status == 73, "\(result.errors)")
    #expect(result.errors.contains("No space left on device") && result.errors.contains("are kept"))
    #expect(Int(result.output.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0 > 1_000_000)
  }
}
