import CQuic
import Foundation

@testable import Transport_Quic

/// The shim's endpoint by itself: datagrams in and out by hand, a clock by hand.
final class Machine {
  let quic: OpaquePointer
  private let space = UnsafeMutablePointer<UInt8>.allocate(capacity: Int(CQUIC_MAX_BATCH))
  private let port: UInt16

  init(seed: UInt8, _ settings: QuicSettings = QuicSettings(), alpn: String = Endpoint.alpn) {
    var configuration = settings.configuration(seed: [UInt8](repeating: seed, count: 32))
    quic = alpn.withCString {
      configuration.alpn = $0
      return cquic_endpoint_new(&configuration, nil)!
    }
    port = UInt16(seed) + 1000
  }

  deinit {
    cquic_endpoint_free(quic)
    space.deallocate()
  }

  var counters: cquic_counters { cquic_endpoint_counters(quic) }

  private func address(_ port: UInt16) -> sockaddr_storage {
    var result = sockaddr_storage()
    withUnsafeMutablePointer(to: &result) {
      $0.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
        $0.pointee.sin_family = sa_family_t(AF_INET)
        $0.pointee.sin_port = port.bigEndian
        $0.pointee.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
      }
    }
    return result
  }

  private func path(to remote: UInt16) -> cquic_path {
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    return cquic_path(local: address(port), remote: address(remote), local_length: size, remote_length: size)
  }

  @discardableResult func connect(to remote: UInt16 = 9, expecting key: [UInt8]? = nil, now: UInt64 = 1) -> OpaquePointer {
    var path = path(to: remote)
    return cquic_connect(quic, &path, key, now)!
  }

  func receive(_ bytes: [UInt8], from remote: UInt16 = 9, now: UInt64) {
    var path = path(to: remote)
    cquic_receive(quic, bytes, bytes.count, &path, nil, 0, now)
  }

  /// Everything that it wants to send now, a datagram each.
  func output(now: UInt64) -> [[UInt8]] {
    var batch = cquic_batch(), result: [[UInt8]] = []
    while true {
      let total = cquic_send(quic, space, Int(CQUIC_MAX_BATCH), Int(CQUIC_MAX_SEGMENTS), &batch, now)
      if total == 0 { return result }
      for start in stride(from: 0, to: total, by: batch.segment) {
        result.append(Array(UnsafeBufferPointer(start: space + start, count: min(batch.segment, total - start))))
      }
    }
  }

  func events() -> [cquic_event] {
    var result: [cquic_event] = []
    while true {
      let event = cquic_next_event(quic)
      if event.kind == CQUIC_NO_EVENT { return result }
      result.append(event)
    }
  }
}

/// Lets two machines talk until neither has anything to say. Returns what went over, in order: whether from the first, and the bytes.
@discardableResult func converse(_ first: Machine, _ second: Machine) -> [(fromFirst: Bool, bytes: [UInt8])] {
  var all: [(Bool, [UInt8])] = [], now: UInt64 = 1, silent = 0
  while true {
    let there = first.output(now: now)
    for datagram in there { second.receive(datagram, now: now) }
    let back = second.output(now: now)
    for datagram in back { first.receive(datagram, now: now) }
    silent = there.isEmpty && back.isEmpty ? silent + 1 : 0
    if silent == 5 { return all }
    // Delayed acknowledgements come with time.
    now += 2_000_000
    for machine in [first, second] { cquic_expire(machine.quic, now) }
    all += there.map { (true, $0) } + back.map { (false, $0) }
  }
}
