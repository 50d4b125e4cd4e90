import CentramPluginAPI
import CentramPluginTesting
import CentramTransportSupport
import Testing
import Transport_Memory

@Suite struct MemoryTests {
  static func network(_ seed: UInt64 = 1, _ faults: MemoryNetwork.Faults = .init()) -> (MemoryNetwork, any Transport, any Transport) {
    let network = MemoryNetwork(seed: seed, timers: SystemTimers(), faults: faults)
    return (network, network.transport(host: "a", identity: TestIdentity(1).peer), network.transport(host: "b", identity: TestIdentity(2).peer))
  }

  @Test func streamsArriveWholeInSpiteOfDelaysThatVary() async throws {
    let (_, a, b) = Self.network(7, .init(delayNanoseconds: 0...2_000_000, loss: 0.5, duplication: 0.5, reordering: 0.5))
    let (client, server, listener) = try await pair(b, a, "memory://b")
    let (opened, accepted) = try await stream(client, server)
    #expect(try await echoes(opened, accepted, (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }))
    await listener.close()
  }

  @Test func datagramsAreLostDoubledAndExchangedAsTheSeedSays() async throws {
    // One thread of virtual time, so the same seed must give the same arrivals.
    func arrivals(_ seed: UInt64) async throws -> (order: [UInt8], counts: MemoryNetwork.Counts) {
      let timers = ManualTimers()
      let network = MemoryNetwork(seed: seed, timers: timers, faults: .init(delayNanoseconds: 0...5_000_000, loss: 0.2, duplication: 0.2, reordering: 0.2))
      let a = network.transport(host: "a", identity: TestIdentity(1).peer), b = network.transport(host: "b", identity: TestIdentity(2).peer)
      let listener = try await b.listen(on: "memory://b:1")
      let dialling = Task { try await a.dial("memory://b:1", expecting: nil) }
      // Until the dial stands in the timers.
      while network.counts.dials == 0 { await Task.yield() }
      while network.counts.connections == 0 {
        await Task.yield()
        timers.advance(1_000_000)
      }
      timers.advance(20_000_000)
      let client = try #require(try await dialling.value as? any DatagramConnection), server = try #require(try await listener.accept() as? any DatagramConnection)
      let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
      defer { bytes.deallocate() }
      for number in UInt8(0)..<100 {
        bytes[0] = number
        try await client.sendDatagram(UnsafeRawBufferPointer(bytes))
      }
      timers.advance(100_000_000)
      let counts = network.counts
      var order: [UInt8] = []
      for _ in 0..<(100 - counts.lost + counts.duplicated) {
        _ = try await server.receiveDatagram(into: bytes)
        order.append(bytes[0])
      }
      return (order, counts)
    }
    let first = try await arrivals(5), again = try await arrivals(5), other = try await arrivals(6)
    #expect(first.order == again.order && first.counts == again.counts)
    #expect(first.order != other.order)
    #expect(first.counts.lost > 0 && first.counts.duplicated > 0 && first.counts.reordered > 0 && first.order != first.order.sorted())
  }

  @Test func aPartitionHoldsStreamsAndDialsUntilItHeals() async throws {
    let (network, a, b) = Self.network()
    let (client, server, listener) = try await pair(b, a, "memory://b")
    let (opened, accepted) = try await stream(client, server)
    network.partition([["a"], ["b"]])
    try await opened.send([1, 2, 3])
    let receiving = Task { try await accepted.receive(exactly: 3) }
    let dialling = Task { try await a.dial(listener.address, expecting: nil) }
    while network.counts.dials < 2 { await Task.yield() }
    dialling.cancel()
    #expect(await pluginError { try await dialling.value }?.code == .cancelled)
    #expect(network.counts.connections == 1)
    network.heal()
    #expect(try await receiving.value == [1, 2, 3])
    await listener.close()
  }

  @Test func aCutEndsBothEndsAndANewDialWorks() async throws {
    let (network, a, b) = Self.network()
    let (client, server, listener) = try await pair(b, a, "memory://b")
    let (opened, accepted) = try await stream(client, server)
    network.cut("a", "b")
    #expect(await pluginError { try await accepted.receive(upTo: 1) }?.code == .closed)
    #expect(await pluginError { try await opened.receive(upTo: 1) }?.code == .closed)
    #expect(network.counts.cut == 1)
    async let accepting = listener.accept()
    let again = try await a.dial(listener.address, expecting: TestIdentity(2).peer)
    #expect(try await accepting.peer == TestIdentity(1).peer)
    await again.close(code: 0, reason: "done")
  }

  @Test func aCrashIsHeardOfOnlyBySilence() async throws {
    let timers = SystemTimers(), network = MemoryNetwork(seed: 1, timers: timers)
    var settings = MultiplexerSettings()
    (settings.keepAliveNanoseconds, settings.idleNanoseconds) = (50_000_000, 200_000_000)
    let a = network.transport(host: "a", identity: TestIdentity(1).peer, settings: settings), b = network.transport(host: "b", identity: TestIdentity(2).peer, settings: settings)
    let (client, server, listener) = try await pair(b, a, "memory://b")
    let (opened, accepted) = try await stream(client, server)
    network.crash("b")
    #expect(await pluginError { try await accepted.receive(upTo: 1) }?.code == .closed)
    #expect(await pluginError { try await opened.receive(upTo: 1) }?.message.contains("nothing was heard") == true)
    #expect(await pluginError { try await a.dial(listener.address, expecting: nil) }?.code == .unavailable)
  }

  @Test func aDatagramTakesItsLimitAndNotAByteMore() async throws {
    let (_, a, b) = Self.network()
    let (client, server, _) = try await pair(b, a, "memory://b")
    let sender = try #require(client as? any DatagramConnection), receiver = try #require(server as? any DatagramConnection)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: MemoryNetwork.datagramLimit + 1, alignment: 1)
    buffer.initializeMemory(as: UInt8.self, repeating: 3)
    defer { buffer.deallocate() }
    #expect(await pluginError { try await sender.sendDatagram(UnsafeRawBufferPointer(buffer)) }?.code == .limitExceeded)
    try await sender.sendDatagram(UnsafeRawBufferPointer(rebasing: buffer.dropLast()))
    #expect(try await receiver.receiveDatagram(into: buffer) == MemoryNetwork.datagramLimit)
    await client.close(code: 0, reason: "done")
    #expect(await pluginError { try await receiver.receiveDatagram(into: buffer) }?.code == .closed)
  }

  @Test func anUnknownSettingIsRefused() {
    #expect { try transport(Transport_Memory.centramPluginDescriptor(), 1, #"{"netwrok": "x"}"#) } throws: { ($0 as? PluginError)?.message.contains("netwrok") == true }
  }
}
