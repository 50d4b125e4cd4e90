import CQuic
import CentramPluginAPI
import Testing

@testable import Transport_Quic

@Suite(.timeLimit(.minutes(1))) struct QuicLimitTests {
  @Test func opensAsManyStreamsAsThePeerAllowsAndTheNextWaitsForOneToEnd() async throws {
    let pair = try await Pair(server: ["max_streams": 3])
    var streams: [(any TransportStream, any TransportStream)] = []
    for _ in 0..<3 { streams.append(try await pair.stream()) }
    let client = pair.clientCore.endpoint
    #expect(await client.loop.asked { client.counters.stream_limit_reached } == 0)
    let fourth = Task { try await pair.client.openStream() }
    while await client.loop.asked({ client.counters.stream_limit_reached }) == 0 { await Task.yield() }
    let (ours, theirs) = streams[1]
    try await ours.finish()
    try await theirs.finish()
    #expect(try await theirs.receive().isEmpty)
    #expect(try await ours.receive().isEmpty)
    streams.append((try await fourth.value, try await pair.server.acceptStream()))
  }

  @Test func takesAsManyConnectionsAsItMayAndRefusesTheNextByName() async throws {
    let pair = try await Pair(server: ["max_connections": 2])
    let second = try await pair.dialler.dial(pair.listener.address, expecting: nil)
    let error = await #expect(throws: PluginError.self) { _ = try await pair.dialler.dial(pair.listener.address, expecting: nil) }
    #expect(error == PluginError(.unavailable, "\(pair.listener.address) takes no more connections now"))
    let server = pair.serverCore.endpoint
    let counters = await server.loop.asked { server.counters }
    #expect(counters.refused_connections >= 1 && counters.connections == 2)
    withExtendedLifetime((pair, second)) {}
  }

  @Test func aSourceOverItsRateProvesItsAddressAndIsRefusedAfterTheSameNumberAgain() async throws {
    let pair = try await Pair(server: ["handshakes_per_minute": 3])
    let server = pair.serverCore.endpoint
    var held: [any TransportConnection] = []
    for number in 2...6 {
      held.append(try await pair.dialler.dial(pair.listener.address, expecting: nil))
      if number == 3 { #expect(await server.loop.asked { server.counters.retries_sent } == 0) }
    }
    // The listener counts by minutes of its clock, and the clock may reach the next one on the way: then everything begins anew, once.
    var refusal = await code { held.append(try await pair.dialler.dial(pair.listener.address, expecting: nil)) }
    for _ in 0..<6 where refusal == nil { refusal = await code { held.append(try await pair.dialler.dial(pair.listener.address, expecting: nil)) } }
    #expect(refusal == .unavailable)
    #expect((3...6).contains(await server.loop.asked { server.counters.retries_sent }))
    #expect(await server.loop.asked { server.counters.refused_rate } == 1)
    withExtendedLifetime(pair) {}
  }

  @Test func asksForProofOfTheAddressUnderLoad() async throws {
    let pair = try await Pair(server: ["retry_above_half_open": 0])
    let server = pair.serverCore.endpoint
    let counters = await server.loop.asked { server.counters }
    #expect(counters.retries_sent == 1 && counters.handshakes_completed == 1 && counters.tokens_refused == 0)
    let (ours, theirs) = try await pair.stream()
    try await ours.send([1])
    #expect(try await theirs.receive() == [1])
  }

  @Test func keepsAsManyHalfOpenHandshakesAsItMay() {
    var settings = QuicSettings()
    (settings.maximumHalfOpen, settings.retryAboveHalfOpen) = (2, 100)
    let server = Machine(seed: 2, settings), client = Machine(seed: 1)
    cquic_endpoint_accept(server.quic, true)
    for number in 1...3 {
      client.connect()
      for datagram in client.output(now: 1) { server.receive(datagram, from: UInt16(number), now: 1) }
      _ = server.output(now: 1)
      #expect(server.counters.half_open == min(UInt64(number), 2))
    }
    #expect(server.counters.refused_half_open == 1)
  }

  @Test func aSenderWaitsWhenTheStreamsWindowIsFull() async throws {
    let pair = try await Pair(server: ["stream_window": 65536, "max_stream_window": 65536])
    let (ours, theirs) = try await pair.stream()
    // The first byte of the window announced the stream.
    try await ours.send(pattern(65535))
    let next = Task { try await ours.send([9]) }
    let client = pair.clientCore.endpoint
    while await client.loop.asked({ client.counters.send_limit_reached }) == 0 { await Task.yield() }
    var received: [UInt8] = []
    while received.count < 65536 { received += try await theirs.receive() }
    try await next.value
    #expect(received == pattern(65535) + [9])
  }

  @Test func theConnectionsWindowHoldsForAllStreamsTogether() async throws {
    let pair = try await Pair(server: ["connection_window": 100_000, "max_connection_window": 100_000, "stream_window": 80_000, "max_stream_window": 80_000])
    let (first, firstEnd) = try await pair.stream(), (second, secondEnd) = try await pair.stream()
    try await first.send(pattern(79_999))
    // 100,000 minus what is taken, and minus the bytes that announced the streams.
    try await second.send(pattern(19_999))
    let client = pair.clientCore.endpoint
    #expect(await client.loop.asked { client.counters.send_limit_reached } == 0)
    let next = Task { try await second.send([1]) }
    while await client.loop.asked({ client.counters.send_limit_reached }) == 0 { await Task.yield() }
    var received = 0
    while received < 79_999 { received += try await firstEnd.receive().count }
    try await next.value
    withExtendedLifetime(secondEnd) {}
  }

  @Test func datagramsBeyondTheQueueAreDroppedAndCounted() async throws {
    let pair = try await Pair(server: ["datagram_queue": 4])
    let client = try #require(pair.client as? any DatagramConnection), server = try #require(pair.server as? any DatagramConnection)
    for number in UInt8(0)..<10 { try await client.send(datagram: [number]) }
    let endpoint = pair.serverCore.endpoint
    while await endpoint.loop.asked({ endpoint.counters.datagrams_overflowed }) < 6 { await Task.yield() }
    var received: [UInt8] = []
    for _ in 0..<4 { received += try await server.receiveDatagram() }
    #expect(received == [0, 1, 2, 3])
  }

  @Test func aDatagramMayHaveWhatThePathTakesAndNotAByteMore() async throws {
    let pair = try await Pair(client: ["path_mtu_discovery": false, "max_udp_payload": 1200])
    let client = try #require(pair.client as? any DatagramConnection), server = try #require(pair.server as? any DatagramConnection)
    try await client.send(datagram: pattern(1200 - 44))
    #expect(try await server.receiveDatagram() == pattern(1200 - 44))
    let error = await #expect(throws: PluginError.self) { try await client.send(datagram: pattern(1200 - 43)) }
    #expect(error?.code == .limitExceeded && error?.message.contains("1157 bytes") == true)
    // One that does not fit its receiver's buffer is dropped and named.
    try await client.send(datagram: [1, 2, 3])
    #expect(await code { _ = try await server.receiveDatagram(2) } == .limitExceeded)
  }

  @Test(arguments: QuicSettings.numbers.map(\.name)) func aSettingHoldsItsLimits(name: String) throws {
    let number = try #require(QuicSettings.numbers.first { $0.name == name })
    for value in [number.limits.lowerBound, number.limits.upperBound] {
      // Windows may not start above their largest size.
      let other = name.hasPrefix("max_") && name.hasSuffix("window") ? ", \"\(name.dropFirst(4))\": 4096" : ""
      #expect(try QuicSettings(json: "{\"\(name)\": \(value)\(other)}")[keyPath: number.path] == value)
    }
    var beyond = [number.limits.upperBound + 1]
    if number.limits.lowerBound > 0 { beyond.append(number.limits.lowerBound - 1) }
    for value in beyond {
      let error = #expect(throws: PluginError.self) { try QuicSettings(json: "{\"\(name)\": \(value)}") }
      #expect(error == PluginError(.invalid, "\(name) is \(value), not from \(number.limits.lowerBound) to \(number.limits.upperBound)"))
    }
  }

  @Test func refusesSettingsThatItDoesNotKnowOrUnderstand() {
    for json in [
      "[]", "", "{", "{\"max_streams\": \"many\"}", "{\"max_streams\": -1}", "{\"max_streams\": 1.5}", "{\"pacing\": 1}", "{\"max_stream\": 1}",
      "{\"stream_window\": 8192, \"max_stream_window\": 4096}",
    ] {
      let error = #expect(throws: PluginError.self) { try QuicSettings(json: json) }
      #expect(error?.code == .invalid, "\(json)")
    }
    #expect(throws: PluginError.self) { try QuicSettings(json: String(repeating: " ", count: 1 << 16 + 1)) }
    #expect((try? QuicSettings(json: "{}")) == QuicSettings())
  }
}
