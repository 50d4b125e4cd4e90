import CentramNode
import CentramWire
import Testing

@Suite struct BeaconReceiverTests {
  let own = Signer(0), other = Signer(1)
  let source = Endpoint(IPAddress("192.0.2.8")!, 9743)

  func beacon(_ record: WireSigned? = nil, by signer: Signer? = nil, sequence: UInt64 = 5, time: UInt64 = Signer.now, to: NodeKey = .anyone) -> Datagram {
    let signer = signer ?? other
    let frame = try! Frame.signed(
      signer.announce(record ?? signer.record("quic://192.0.2.8:9741", "tcp://192.0.2.8:9741")), by: signer.key, to: to, sequence: sequence, unixMilliseconds: time)
    return Datagram(bytes: frame.bytes, source: source)
  }

  func drop(_ datagram: Datagram, _ receiver: inout BeaconReceiver) -> BeaconReceiver.Drop? {
    let before = receiver.drops
    if receiver.take(datagram, own: own.id, now: Signer.now, monotonic: 1_000) != nil { return nil }
    return BeaconReceiver.Drop.allCases.first { receiver.drops[$0] != before[$0] }
  }

  @Test func aBeaconIsAHint() throws {
    var receiver = BeaconReceiver()
    let hint = try required(receiver.take(beacon(), own: own.id, now: Signer.now, monotonic: 0))
    #expect(hint.key == other.id && hint.source == .beacon && hint.record?.key == other.id)
    #expect(hint.addresses.map(\.description) == ["quic://192.0.2.8:9741", "tcp://192.0.2.8:9741"])
  }

  @Test func theSendersAddressIsTriedWhereTheRecordLacksIt() throws {
    var receiver = BeaconReceiver()
    let hint = try required(receiver.take(beacon(other.record("quic://203.0.113.9:9755")), own: own.id, now: Signer.now, monotonic: 0))
    #expect(hint.addresses.map(\.description) == ["quic://192.0.2.8:9755", "quic://203.0.113.9:9755"])
  }

  @Test func eachReasonToDropIsCounted() {
    var receiver = BeaconReceiver()
    #expect(drop(beacon(by: own), &receiver) == .own)
    #expect(drop(Datagram(bytes: Array(beacon().bytes.prefix(100)), source: source), &receiver) == .size)
    #expect(drop(Datagram(bytes: beacon().bytes + [UInt8](repeating: 0, count: 1_401 - beacon().bytes.count), source: source), &receiver) == .size)
    #expect(drop(Datagram(bytes: beacon().bytes + [UInt8](repeating: 0, count: 1_400 - beacon().bytes.count), source: source), &receiver) == .badFrame)
    #expect(drop(Datagram(bytes: [UInt8](repeating: 7, count: 300), source: source), &receiver) == .notAnnounce)
    for at in [0, 4, 50, 100, 130, beacon().bytes.count - 1] {
      var bytes = beacon().bytes
      bytes[at] ^= 1
      #expect(drop(Datagram(bytes: bytes, source: source), &receiver) == .badFrame, "\(at)")
    }
    #expect(drop(beacon(to: own.id), &receiver) == .badFrame)
    #expect(drop(beacon(time: Signer.now - 300_001), &receiver) == .time)
    #expect(drop(beacon(time: Signer.now + 300_001), &receiver) == .time)
    // Another's record in this node's frame; one that has expired.
    #expect(drop(beacon(Signer(2).record("quic://192.0.2.8:1")), &receiver) == .badRecord)
    #expect(drop(beacon(other.record("quic://192.0.2.8:1", now: Signer.now - 7_200_000)), &receiver) == .badRecord)
    #expect(drop(beacon(sequence: 9), &receiver) == nil)
    #expect(drop(beacon(sequence: 9), &receiver) == .replay)
    #expect(drop(beacon(sequence: 8), &receiver) == .replay)
    #expect(drop(beacon(sequence: 10), &receiver) == nil)
  }

  @Test func floodsAreDroppedBeforeTheirSignaturesAreChecked() {
    var receiver = BeaconReceiver()
    for sequence in 1...UInt64(BeaconReceiver.perSource) { #expect(receiver.take(beacon(sequence: sequence), own: own.id, now: Signer.now, monotonic: 0) != nil) }
    #expect(receiver.take(beacon(sequence: 100), own: own.id, now: Signer.now, monotonic: 999) == nil && receiver.drops[.flood] == 1)
    var elsewhere = beacon(sequence: 101)
    elsewhere.source = Endpoint(IPAddress("192.0.2.9")!, 1)
    #expect(receiver.take(elsewhere, own: own.id, now: Signer.now, monotonic: 999) != nil)
    #expect(receiver.take(beacon(sequence: 102), own: own.id, now: Signer.now, monotonic: 1_000) != nil)
    for number in 0..<300 {
      elsewhere.source = Endpoint(IPAddress("10.0.\(number / 250).\(number % 250)")!, 1)
      elsewhere.bytes = [UInt8](repeating: 0, count: 200)
      _ = receiver.take(elsewhere, own: own.id, now: Signer.now, monotonic: 1_500)
    }
    #expect(receiver.drops[.notAnnounce] == BeaconReceiver.inAll - 1)
  }

  @Test func beaconsComeTwiceSoonAndThenEveryHalfToWholeMinute() {
    var schedule = BeaconSchedule(random: RandomSource(SplitMix64(state: 3)))
    let waits = (0..<50).map { _ in schedule.wait() }
    #expect(waits[0] <= 500 && (1_000...3_000).contains(waits[1]))
    #expect(waits.dropFirst(2).allSatisfy { (30_000...60_000).contains($0) } && Set(waits).count > 40)
  }

  @Test func damagedBeaconsAreDropped() {
    var random = Seeds.fuzz("beacon fuzz")
    let good = beacon().bytes
    for _ in 0..<Seeds.rounds(500) {
      var bytes = good
      for _ in 0..<Int.random(in: 1...3, using: &random) { bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
      if Bool.random(using: &random) { bytes = Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &random))) }
      var receiver = BeaconReceiver()
      if bytes != good { #expect(receiver.take(Datagram(bytes: bytes, source: source), own: own.id, now: Signer.now, monotonic: 0) == nil) }
    }
  }
}
