import Foundation
import TestNetwork
import Testing

/// The real binary, two and three processes on loopback.
@Suite(.serialized) struct ServeTests {
  /// Transports that listen on a port of the system's choice.
  static let addresses = ["quic://127.0.0.1:0", "quic://[::1]:0"]

  @Test(arguments: addresses) func twoNodesFindEachOtherAndListEachOther(address: String) throws {
    let a = try ServeProcess(["--listen", address])
    let b = try ServeProcess(["--listen", address, "--peer", "\(a.id)@\(a.listening[0])"])
    #expect(a.wait(for: "\(b.id) is connected") != nil && b.wait(for: "\(a.id) is connected") != nil, "\(a.text)\n\(b.text)")
    let (ofA, ofB) = (try a.peers(), try b.peers())
    #expect(ofA.map(\.id) == [b.id] && ofB.map(\.id) == [a.id])
    #expect(ofB[0].addresses == a.listening && ofB[0].state == "connected" && ofB[0].path == "direct" && ofB[0].isDialler && ofB[0].bytesSent > 0)
    #expect(ofA[0].state == "connected" && !ofA[0].isDialler && ofA[0].bytesReceived > 0)
    let table = try ServeProcess.run([ServeProcess.host, "peers"], home: b.home)
    #expect(table.status == 0 && table.output.contains(a.id.prefix(16)) && table.output.contains("connected"))
    // Control-C says goodbye and ends well; the other end hears it and forgets.
    #expect(b.interrupt() == 0)
    #expect(a.wait(for: "\(b.id) is gone: the peer said goodbye") != nil)
    #expect(try a.peers().isEmpty)
    #expect(a.interrupt() == 0)
  }

  /// Two processes that have one transport between them.
  private func connect(over transport: String, listen: String) throws {
    let alone = ["--listen", listen, "--no-mdns", "--no-beacon"]
    let a = try ServeProcess(alone), b = try ServeProcess(alone + ["--peer", "\(a.id)@\(a.listening[0])"])
    #expect(a.listening.count == 1 && a.listening[0].hasPrefix(transport + "://"), "\(a.listening)")
    #expect(a.wait(for: "\(b.id) is connected over \(transport)") != nil && b.wait(for: "\(a.id) is connected over \(transport)") != nil, "\(a.text)\n\(b.text)")
    let (ofA, ofB) = (try #require(try a.peers().first { $0.id == b.id }), try #require(try b.peers().first { $0.id == a.id }))
    #expect(ofA.transport == transport && ofB.transport == transport && ofA.state == "connected" && ofB.isDialler && ofB.addresses == a.listening, "\(ofA) \(ofB)")
    #expect(b.interrupt() == 0 && a.wait(for: "\(b.id) is gone: the peer said goodbye") != nil && a.interrupt() == 0)
  }

  @Test(arguments: [("tcp", "tcp://127.0.0.1:0"), ("tcp", "tcp://[::1]:0"), ("http", "http://127.0.0.1:0"), ("http", "http://[::1]:0")])
  func twoNodesConnectOverEachTransportAlone(transport: String, listen: String) throws { try connect(over: transport, listen: listen) }

  @Test(.enabled(if: NatsServer.isInstalled, "needs nats-server; Scripts/setup installs it")) func twoNodesConnectOverANatsServerAlone() async throws {
    let server = try await NatsServer()
    defer { server.kill() }
    try connect(over: "nats", listen: server.address)
  }

  @Test func aRunningNodeMovesToANewKeyAndItsPeerGoesOnWithIt() throws {
    let a = try ServeProcess(["--listen", Self.addresses[0]]), b = try ServeProcess(["--listen", Self.addresses[0], "--peer", "\(a.id)@\(a.listening[0])"])
    #expect(a.wait(for: "\(b.id) is connected") != nil && b.wait(for: "\(a.id) is connected") != nil, "\(a.text)\n\(b.text)")
    let mark = b.mark
    let result = try ServeProcess.run([ServeProcess.host, "identity", "rotate", "--json"], home: a.home)
    struct Answer: Decodable { let id: String, former: String, toldPeers: Int }
    let answer = try JSONDecoder().decode(Answer.self, from: Data(result.output.utf8))
    #expect(result.status == 0 && answer.former == a.id && answer.id != a.id && answer.toldPeers == 1, "\(result.output)")
    // b was told, and dials the new key where it dialled the old one.
    #expect(b.wait(for: "\(a.id) is \(answer.id) now", after: mark) != nil, "\(b.text)")
    #expect(b.wait(for: "\(answer.id) is connected", after: mark) != nil, "\(a.text)\n\(b.text)")
    #expect(try b.peers().filter { $0.state == "connected" }.map(\.id) == [answer.id])
    let shown = try ServeProcess.run([ServeProcess.host, "identity"], home: a.home)
    #expect(shown.output.trimmingCharacters(in: .whitespacesAndNewlines) == answer.id)
    #expect(FileManager.default.contents(atPath: a.home + "/.centram/identity.former")?.count == 32)
    #expect(!FileManager.default.fileExists(atPath: a.home + "/.centram/identity.next"))
    #expect(a.interrupt() == 0 && b.interrupt() == 0)
    let none = try ServeProcess.run([ServeProcess.host, "identity", "rotate"], home: a.home)
    #expect(none.status == 69 && none.output.contains("start one with centram-host serve"))
  }

  @Test func aPeerWithALayerSwitchedOffIsShownAsIncomplete() throws {
    let alone = ["--listen", Self.addresses[0], "--no-mdns", "--no-beacon"]
    let a = try ServeProcess(configuration: #"{"gate": {"disable": ["gate.fitness", "gate.norms"]}}"#, alone),
      b = try ServeProcess(alone + ["--peer", "\(a.id)@\(a.listening[0])"])
    #expect(a.wait(for: "\(b.id) is connected") != nil && b.wait(for: "\(a.id) is connected") != nil, "\(a.text)\n\(b.text)")
    // Capabilities come right after the handshake.
    var (ofA, ofB) = (try a.peers(), try b.peers())
    for _ in 0..<50 where ofA.first?.gatePolicy == nil || ofB.first?.gatePolicy == nil { (ofA, ofB) = (try a.peers(), try b.peers()) }
    #expect(ofB.map(\.disabledGateLayers) == [["gate.fitness", "gate.norms"]] && ofA.map(\.disabledGateLayers) == [[]])
    #expect(ofA[0].gatePolicy?.count == 64 && ofB[0].gatePolicy?.count == 64 && ofA[0].gatePolicy != ofB[0].gatePolicy)
    let shown = try ServeProcess.run([ServeProcess.host, "peers"], home: b.home), other = try ServeProcess.run([ServeProcess.host, "peers"], home: a.home)
    #expect(shown.output.contains("gate incomplete: gate.fitness, gate.norms") && shown.output.contains(" \(ofB[0].gatePolicy!.prefix(12)) "), "\(shown.output)")
    #expect(!other.output.contains("gate incomplete"), "\(other.output)")
    #expect(a.interrupt() == 0 && b.interrupt() == 0)
  }

  @Test func threeNodesOutliveAKillOfOne() throws {
    let address = Self.addresses[0]
    var a = try ServeProcess(["--listen", address])
    let peer = a.listening[0]
    let b = try ServeProcess(["--listen", address, "--peer", peer]), c = try ServeProcess(["--listen", address, "--peer", peer, "--peer", b.listening[0]])
    for node in [b, c] { #expect(node.wait(for: "\(a.id) is connected") != nil, "\(node.text)") }
    #expect(c.wait(for: "\(b.id) is connected") != nil)
    let marks = (b.mark, c.mark), killed = a
    killed.killNow()
    // The same node at the same address; what the killed one left behind does not keep it from starting.
    a = try ServeProcess(home: killed.home, ["--listen", peer])
    defer { withExtendedLifetime(killed) {} }
    for (node, mark) in [(b, marks.0), (c, marks.1)] { #expect(node.wait(for: "\(a.id) is connected", after: mark) != nil, "\(node.text)") }
    #expect(Set(try c.peers().compactMap(\.id)) == [a.id, b.id])
    for node in [a, b, c] { #expect(node.interrupt() == 0) }
  }

  @Test func aFolderHasOneRunningNode() throws {
    let a = try ServeProcess(["--listen", Self.addresses[0]])
    let second = try ServeProcess.run([ServeProcess.host, "serve", "--listen", Self.addresses[0]], home: a.home)
    #expect(second.status == 65 && second.output.contains("a node runs here already"))
    #expect(try a.peers().isEmpty)
    #expect(a.interrupt() == 0)
    let none = try ServeProcess.run([ServeProcess.host, "peers"], home: a.home)
    #expect(none.status == 69 && none.output.contains("start one with centram-host serve"))
  }

  @Test func wrongAddressesAreNamed() throws {
    let home = NSTemporaryDirectory()
    for (arguments, status, text) in [
      (["--peer", "nowhere"], 65, "not an address such as quic://"), (["--peer", "12ab@quic://127.0.0.1:1"], 65, "64 hexadecimal digits"),
      (["--relay", "quic://192.0.2.1:1"], 65, "a relay is named by a ticket"), (["--topic", ""], 65, "a topic's name has 1 to 64 bytes"),
      (["--listen", "pigeon://roof"], 69, "there is no transport for pigeon"), (["--listen", "quic://256.0.0.1:1"], 69, "256.0.0.1"),
    ] as [([String], Int32, String)] {
      let folder = home + "/centram-net-\(UUID().uuidString)"
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let result = try ServeProcess.run([ServeProcess.host, "serve"] + arguments, home: folder)
      #expect(result.status == status && result.output.contains(text), "\(arguments): \(result.status) \(result.output)")
    }
  }
}
