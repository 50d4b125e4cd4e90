import CentramWire
import Foundation
import Testing

@testable import CentramNode

@Suite struct RelayServerTests {
  static let second: UInt64 = 1_000_000_000

  static func key(_ number: Int) -> NodeKey { NodeKey((0..<32).map { $0 == 0 ? UInt8(number & 255) : $0 == 1 ? UInt8(number >> 8) : 5 })! }
  static func id(_ number: Int) -> CircuitID { CircuitID((0..<16).map { $0 == 0 ? UInt8(number & 255) : $0 == 1 ? UInt8(number >> 8) : 9 })! }

  static func request(_ circuit: Int, to target: Int) -> WireRelayOpen {
    var message = WireRelayOpen()
    (message.step, message.circuit, message.target) = (.connect, Data(id(circuit).bytes), Data(key(target).bytes))
    return message
  }

  static func answer(_ circuit: Int, _ step: WireRelayStep = .accepted) -> WireRelayOpen {
    var message = WireRelayOpen()
    (message.step, message.circuit) = (step, Data(id(circuit).bytes))
    return message
  }

  private func server(_ limits: [RelayLimit: Int] = [:]) -> RelayServer {
    RelayServer(settings: RelaySettings(isOpen: true, limits: [.circuitRequestsPerPeerAndMinute: 10_000].merging(limits) { $1 }), now: 0)
  }

  /// Reserves for the target and asks for a circuit to it.
  /// - Returns: the refusal; nil: the target is asked.
  private func connect(_ server: inout RelayServer, _ circuit: Int, from initiator: Int, to target: Int, now: UInt64 = 0, reserving: Bool = true) -> WireRelayOpen? {
    if reserving { _ = server.reserve(by: Self.key(target), now: now, unixMilliseconds: 1) }
    switch server.connect(Self.request(circuit, to: target), from: Self.key(initiator), now: now, hasSession: { _ in true }) {
    case .refuse(let message): return message
    case .ask(let id, let asked, let question):
      #expect(id == Self.id(circuit) && asked == Self.key(target))
      #expect(question.step == .incoming && Array(question.initiator) == Self.key(initiator).bytes)
      return nil
    }
  }

  private func open(_ server: inout RelayServer, _ circuit: Int, from initiator: Int, to target: Int, now: UInt64 = 0) {
    #expect(connect(&server, circuit, from: initiator, to: target, now: now) == nil)
    #expect(server.answered(Self.id(circuit), Self.answer(circuit), now: now).step == .accepted)
    #expect(server.join(Self.id(circuit), by: Self.key(initiator), now: now) == .wait)
    #expect(server.join(Self.id(circuit), by: Self.key(target), now: now) == .open)
  }

  @Test func isClosedUnlessTold() {
    var server = RelayServer(settings: RelaySettings(), now: 0)
    #expect(server.reserve(by: Self.key(1), now: 0, unixMilliseconds: 1).reason == .notAllowed)
    #expect(connect(&server, 1, from: 2, to: 1, reserving: false)?.reason == .notAllowed)
    #expect(server.reservationCount == 0 && server.circuitCount == 0 && server.counters.notAllowed == 2)
  }

  @Test func carriesBetweenTwoThatBothAgreed() {
    var server = server()
    let reserved = server.reserve(by: Self.key(1), now: 0, unixMilliseconds: 1_000)
    #expect(reserved.step == .reserved && reserved.expiresMs == 1_000 + 3_600_000)
    open(&server, 7, from: 2, to: 1)
    #expect(server.carry(100, on: Self.id(7), now: 0) == .carry)
    #expect(server.counters.bytesCarried == 100 && server.counters.circuitsOpened == 1)
    server.close(Self.id(7))
    #expect(server.circuitCount == 0 && server.counters.circuitsEnded == 1)
    #expect(server.carry(1, on: Self.id(7), now: 0) == .end(.notAllowed))
  }

  @Test func targetsWithoutReservationOrSessionAreNotAsked() {
    var server = server()
    #expect(connect(&server, 1, from: 2, to: 1, reserving: false)?.reason == .noReservation)
    _ = server.reserve(by: Self.key(1), now: 0, unixMilliseconds: 1)
    guard case .refuse(let gone) = server.connect(Self.request(2, to: 1), from: Self.key(2), now: 0, hasSession: { _ in false }) else {
      Issue.record("a target without a session was asked")
      return
    }
    #expect(gone.reason == .targetGone)
    server.forget(Self.key(1))
    #expect(connect(&server, 3, from: 2, to: 1, reserving: false)?.reason == .noReservation)
    #expect(server.circuitCount == 0)
  }

  @Test func reservationsEndWithTheirTime() {
    var server = server([.reservationMilliseconds: 1_000])
    _ = server.reserve(by: Self.key(1), now: 0, unixMilliseconds: 1)
    #expect(connect(&server, 1, from: 2, to: 1, now: Self.second - 1, reserving: false) == nil)
    #expect(connect(&server, 2, from: 2, to: 1, now: Self.second, reserving: false)?.reason == .noReservation)
  }

  @Test func reservationsStopAtTheirLimitAndRenewalsDoNot() {
    var server = server([.reservations: 2])
    for number in 1...2 { #expect(server.reserve(by: Self.key(number), now: 0, unixMilliseconds: 1).step == .reserved) }
    let refused = server.reserve(by: Self.key(3), now: 0, unixMilliseconds: 1)
    #expect(refused.reason == .busy && refused.message.contains("reservations is 2") && server.counters[.reservations] == 1)
    #expect(server.reserve(by: Self.key(1), now: 0, unixMilliseconds: 1).step == .reserved)
    // What ran out makes room.
    #expect(server.reserve(by: Self.key(3), now: 3_601 * Self.second, unixMilliseconds: 1).step == .reserved && server.reservationCount == 1)
  }

  @Test func circuitsStopAtTheirLimit() {
    var server = server([.circuits: 2])
    #expect(connect(&server, 1, from: 1, to: 2) == nil)
    #expect(connect(&server, 2, from: 3, to: 4) == nil)
    #expect(connect(&server, 3, from: 5, to: 6)?.reason == .busy)
    #expect(server.counters[.circuits] == 1)
    server.close(Self.id(1))
    #expect(connect(&server, 3, from: 5, to: 6) == nil)
  }

  @Test(arguments: [true, false]) func circuitsOfAPeerStopAtTheirLimitAtEitherEnd(asInitiator: Bool) {
    var server = server([.circuitsPerPeer: 2])
    for number in 1...2 { #expect(connect(&server, number, from: asInitiator ? 1 : 10 + number, to: asInitiator ? 10 + number : 1) == nil) }
    #expect(connect(&server, 3, from: asInitiator ? 1 : 13, to: asInitiator ? 13 : 1)?.message.contains("circuitsPerPeer is 2") == true)
    #expect(server.counters[.circuitsPerPeer] == 1)
  }

  @Test func aCircuitCarriesItsBytesAndNotOneMore() {
    var server = server([.circuitBytes: 1_000])
    open(&server, 1, from: 1, to: 2)
    #expect(server.carry(999, on: Self.id(1), now: 0) == .carry)
    #expect(server.carry(1, on: Self.id(1), now: 0) == .carry)
    #expect(server.carry(1, on: Self.id(1), now: 0) == .end(.bytesSpent))
    #expect(server.counters[.circuitBytes] == 1 && server.counters.bytesCarried == 1_000)
  }

  @Test func aCircuitIsAsFastAsItMayBe() {
    var server = server([.circuitBytesPerSecond: 1_000])
    open(&server, 1, from: 1, to: 2)
    #expect(server.carry(1_000, on: Self.id(1), now: 0) == .carry)
    guard case .wait(let wait) = server.carry(1, on: Self.id(1), now: 0) else {
      Issue.record("the byte after the limit did not wait")
      return
    }
    #expect((900_000...1_100_000).contains(wait), "one byte at 1000 bytes a second takes a millisecond, not \(wait) ns")
    #expect(server.carry(1, on: Self.id(1), now: wait) == .carry)
    #expect(server.counters[.circuitBytesPerSecond] == 1)
    // A piece larger than the burst is paid for afterwards.
    #expect(server.carry(5_000, on: Self.id(1), now: 2 * Self.second) == .carry)
    guard case .wait(let long) = server.carry(1, on: Self.id(1), now: 2 * Self.second) else {
      Issue.record("nothing was paid for")
      return
    }
    #expect(long >= 4 * Self.second)
  }

  @Test func allCircuitsTogetherAreAsFastAsTheRelayMayBe() {
    var server = server([.relayBytesPerSecond: 1_500])
    open(&server, 1, from: 1, to: 2)
    open(&server, 2, from: 3, to: 4)
    #expect(server.carry(1_000, on: Self.id(1), now: 0) == .carry)
    #expect(server.carry(500, on: Self.id(2), now: 0) == .carry)
    guard case .wait = server.carry(1, on: Self.id(2), now: 0) else {
      Issue.record("the relay went beyond its rate")
      return
    }
    #expect(server.counters[.relayBytesPerSecond] == 1)
  }

  @Test func aCircuitEndsWithItsTime() {
    var server = server([.circuitMilliseconds: 1_000])
    open(&server, 1, from: 1, to: 2)
    #expect(server.carry(1, on: Self.id(1), now: Self.second) == .carry)
    #expect(server.carry(1, on: Self.id(1), now: Self.second + 1) == .end(.timeSpent))
    #expect(server.counters[.circuitMilliseconds] == 1 && server.end(of: Self.id(1)) == Self.second)
  }

  @Test func circuitsThatNobodyJoinsAreForgotten() {
    var server = server([.circuitOpeningMilliseconds: 1_000])
    #expect(connect(&server, 1, from: 1, to: 2) == nil)
    server.expire(Self.second)
    #expect(server.circuitCount == 1)
    server.expire(Self.second + 1)
    #expect(server.circuitCount == 0 && server.counters[.circuitOpeningMilliseconds] == 1)
    #expect(server.answered(Self.id(1), Self.answer(1), now: Self.second + 1).reason == .timeSpent)
  }

  @Test func requestsOfAPeerAreLimitedAMinute() {
    var server = RelayServer(settings: RelaySettings(isOpen: true, limits: [.circuitRequestsPerPeerAndMinute: 3]), now: 0)
    for _ in 1...3 { #expect(server.reserve(by: Self.key(1), now: 0, unixMilliseconds: 1).step == .reserved) }
    #expect(server.reserve(by: Self.key(1), now: 0, unixMilliseconds: 1).reason == .busy)
    #expect(server.counters[.circuitRequestsPerPeerAndMinute] == 1)
    #expect(server.reserve(by: Self.key(2), now: 0, unixMilliseconds: 1).step == .reserved)
    #expect(server.reserve(by: Self.key(1), now: 20 * Self.second, unixMilliseconds: 1).step == .reserved)
  }

  @Test func streamsOfOthersAndSecondStreamsAreRefused() {
    var server = server()
    #expect(connect(&server, 1, from: 1, to: 2) == nil)
    #expect(server.join(Self.id(1), by: Self.key(1), now: 0) == .refused, "the target has not agreed yet")
    _ = server.answered(Self.id(1), Self.answer(1), now: 0)
    #expect(server.join(Self.id(1), by: Self.key(3), now: 0) == .refused)
    #expect(server.join(Self.id(2), by: Self.key(1), now: 0) == .refused)
    #expect(server.join(Self.id(1), by: Self.key(1), now: 0) == .wait)
    #expect(server.join(Self.id(1), by: Self.key(1), now: 0) == .refused)
    #expect(server.carry(1, on: Self.id(1), now: 0) == .end(.notAllowed), "one end alone carries nothing")
    #expect(server.counters.strayStreams == 4)
  }

  @Test func theTargetsStreamMayBeThereBeforeItsAnswer() {
    var server = server()
    #expect(connect(&server, 1, from: 1, to: 2) == nil)
    #expect(server.join(Self.id(1), by: Self.key(2), now: 0) == .wait)
    #expect(server.answered(Self.id(1), Self.answer(1), now: 0).step == .accepted)
    #expect(server.join(Self.id(1), by: Self.key(1), now: 0) == .open)
  }

  @Test func refusalsOfTheTargetReachTheInitiator() {
    var server = server()
    #expect(connect(&server, 1, from: 1, to: 2) == nil)
    #expect(server.answered(Self.id(1), Self.answer(1, .refused), now: 0).reason == .targetRefused)
    #expect(connect(&server, 1, from: 1, to: 2) == nil)
    #expect(server.answered(Self.id(1), nil, now: 0).reason == .targetGone)
    #expect(connect(&server, 1, from: 1, to: 2) == nil)
    #expect(server.answered(Self.id(1), Self.answer(2), now: 0).reason == .targetRefused, "an answer for another circuit is none")
    #expect(server.circuitCount == 0)
  }

  @Test func namesAndTargetsThatAreNoneAreRefused() {
    var server = server()
    #expect(connect(&server, 1, from: 1, to: 2) == nil)
    var messages = [Self.request(1, to: 2), Self.request(3, to: 1), Self.request(4, to: 2), Self.request(5, to: 2), Self.request(6, to: 2)]
    messages[2].circuit = Data([1])
    messages[3].target = Data()
    messages[4].target = Data(repeating: 0, count: 32)
    for message in messages {
      guard case .refuse(let answer) = server.connect(message, from: Self.key(1), now: 0, hasSession: { _ in true }) else {
        Issue.record("taken: \(message)")
        continue
      }
      #expect(answer.reason == .notAllowed)
    }
    #expect(server.circuitCount == 1)
  }

  /// Whatever comes in whatever order, the limits hold.
  @Test(arguments: 1...50) func limitsHoldForAnySequence(seed: UInt64) {
    var random = SplitMix64(state: seed), now: UInt64 = 0
    var server = server([.circuits: 5, .circuitsPerPeer: 2, .reservations: 4, .circuitBytes: 3_000, .relayBytesPerSecond: 2_000, .circuitBytesPerSecond: 1_000])
    for _ in 0..<400 {
      now += .random(in: 0...300_000_000, using: &random)
      let (circuit, a, b) = (Int.random(in: 1...8, using: &random), Int.random(in: 1...6, using: &random), Int.random(in: 1...6, using: &random))
      switch Int.random(in: 0...5, using: &random) {
      case 0: _ = server.reserve(by: Self.key(a), now: now, unixMilliseconds: 1)
      case 1: _ = server.connect(Self.request(circuit, to: b), from: Self.key(a), now: now) { _ in Bool.random(using: &random) }
      case 2: _ = server.answered(Self.id(circuit), Bool.random(using: &random) ? Self.answer(circuit) : nil, now: now)
      case 3: _ = server.join(Self.id(circuit), by: Self.key(a), now: now)
      case 4: _ = server.carry(.random(in: 1...800, using: &random), on: Self.id(circuit), now: now)
      default: if Int.random(in: 0...9, using: &random) == 0 { server.close(Self.id(circuit)) }
      }
      #expect(server.circuitCount <= 5 && server.reservationCount <= 4, "seed \(seed)")
      // Bursts of a piece beyond the rate are paid back.
      #expect(server.counters.bytesCarried <= UInt64(2_000 + 800) + now / 500_000, "seed \(seed)")
    }
  }
}
