import CQuic
import CentramPluginAPI
import Foundation
import Testing

@testable import Transport_Quic

/// Talks to aioquic. Needs a Python with it in CENTRAM_TEST_PYTHON.
@Suite(.timeLimit(.minutes(2))) struct QuicInteropTests {
  static let python: String? = {
    guard let path = ProcessInfo.processInfo.environment["CENTRAM_TEST_PYTHON"] else { return nil }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = ["-c", "import aioquic"]
    process.standardError = FileHandle.nullDevice
    try? process.run()
    process.waitUntilExit()
    return process.terminationStatus == 0 ? path : nil
  }()
  static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures/Quic/aioquic_peer.py").path

  /// A running peer with a certificate of `Machine(seed: 5)`, its lines as they come.
  private final class Peer {
    let process = Process(), input = Pipe(), output = Pipe(), folder: URL, key: [UInt8]

    init(_ arguments: [String]) throws {
      folder = FileManager.default.temporaryDirectory.appendingPathComponent("quic-interop-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      let machine = Machine(seed: 5)
      var key = [UInt8](repeating: 0, count: 32), size = 8192, keySize = 8192
      cquic_endpoint_key(machine.quic, &key)
      var certificate = [CChar](repeating: 0, count: size), secret = certificate
      try #require(cquic_endpoint_pem(machine.quic, &certificate, &size, &secret, &keySize))
      self.key = key
      let files = ["certificate.pem": certificate.prefix(size), "key.pem": secret.prefix(keySize)]
      for (name, text) in files { try Data(text.map { UInt8(bitPattern: $0) }).write(to: folder.appendingPathComponent(name)) }
      process.executableURL = URL(fileURLWithPath: try #require(python))
      process.arguments = [script, arguments[0], folder.path + "/certificate.pem", folder.path + "/key.pem"] + arguments.dropFirst()
      (process.standardInput, process.standardOutput) = (input, output)
      try process.run()
    }

    deinit {
      try? input.fileHandleForWriting.close()
      process.waitUntilExit()
      try? FileManager.default.removeItem(at: folder)
    }

    private var rest = ""
    func line() throws -> [String] {
      while !rest.contains("\n") {
        let more = output.fileHandleForReading.availableData
        try #require(!more.isEmpty, "the peer has nothing more to say after \(rest)")
        rest += String(decoding: more, as: UTF8.self)
      }
      let line = rest.prefix { $0 != "\n" }
      rest = String(rest.dropFirst(line.count + 1))
      return line.split(separator: " ").map(String.init)
    }
  }

  @Test(.enabled(if: python != nil, "set CENTRAM_TEST_PYTHON to a Python with aioquic")) func ourClientTalksToAioquic() async throws {
    let peer = try Peer(["server"])
    let address = "quic://127.0.0.1:\(try peer.line()[1])"
    let transport = try Node(1).transport()
    let connection = try await transport.dial(address, expecting: PeerID(peer.key))
    #expect(try peer.line() == ["peer", hex(Node(1).publicKey)])
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<3 {
        group.addTask {
          let stream = try await connection.openStream()
          let sending = Task {
            try await stream.send(pattern(300_000, seed: number))
            try await stream.finish()
          }
          #expect(try await stream.receiveAll() == pattern(300_000, seed: number))
          try await sending.value
        }
      }
      try await group.waitForAll()
    }
    let datagrams = try #require(connection as? any DatagramConnection)
    try await datagrams.send(datagram: [1, 2, 3])
    #expect(try await datagrams.receiveDatagram() == [1, 2, 3])
    #expect(await code { _ = try await transport.dial(address, expecting: Node(2).id) } == .invalid)
    await connection.close(code: 7, reason: "bye")
  }

  @Test(.enabled(if: python != nil, "set CENTRAM_TEST_PYTHON to a Python with aioquic")) func aioquicTalksToOurServer() async throws {
    let listener = try await Node(2).transport().listen(on: "quic://127.0.0.1:0")
    let peer = try Peer(["client", String(listener.address.split(separator: ":").last!)])
    let connection = try await listener.accept()
    #expect(connection.peer == PeerID(peer.key))
    let echo = Task {
      let datagrams = try #require(connection as? any DatagramConnection)
      try await datagrams.send(datagram: try await datagrams.receiveDatagram())
    }
    await withTaskGroup(of: Void.self) { group in
      while let stream = try? await connection.acceptStream() {
        group.addTask {
          while let part = try? await stream.receive(), !part.isEmpty { try? await stream.send(part) }
          try? await stream.finish()
        }
      }
    }
    try await echo.value
    let error = await #expect(throws: PluginError.self) { _ = try await connection.acceptStream() }
    #expect(error == PluginError(.closed, "the peer closed the connection with code 7: bye"))
    #expect(try peer.line() == ["peer", hex(Node(2).publicKey)])
    #expect(try peer.line() == ["done"])
  }
}
