import CQuic
import CUDP
import CentramPluginAPI
import Glibc

/// One UDP socket, the QUIC endpoint behind it, and the thread that serves both. Everything here happens as the loop.
final class Endpoint: EventLoop.Client, @unchecked Sendable {
  let loop: EventLoop
  let settings: QuicSettings
  let services: any HostServices
  private let clock: any ClockService
  /// Nil once the thread has ended.
  private(set) var quic: OpaquePointer?
  private(set) var socket: Int32
  /// What QUIC knows as our side of a path.
  private(set) var local: SocketAddress
  /// The address to dial, as text. It does not change.
  let address: String
  private let bound: SocketAddress
  let key: [UInt8]
  var connections: Set<Connection> = []
  var listener: Listener?
  /// Nobody will dial or listen here any more.
  var isRetired = false
  private let receiving = UnsafeMutablePointer<UInt8>.allocate(capacity: Int(CUDP_SLOTS) * Int(CUDP_SLOT))
  private let batches = UnsafeMutablePointer<cudp_datagrams>.allocate(capacity: Int(CUDP_SLOTS))
  private let sending = UnsafeMutablePointer<UInt8>.allocate(capacity: Int(CQUIC_MAX_BATCH))
  private var batch = cquic_batch()
  /// Bytes of `sending` that the socket did not take yet.
  private var held = 0
  private var hasOffload: Bool

  init(bind address: SocketAddress, seed: [UInt8], settings: QuicSettings, services: any HostServices, clock: any ClockService) throws(PluginError) {
    (self.settings, self.services, self.clock, hasOffload) = (settings, services, clock, settings.offload)
    loop = try EventLoop()
    socket = address.withPointer { cudp_open($0, $1, settings.offload) }
    guard socket >= 0 else { throw PluginError(.inputOutput, "cannot listen at \(address.description): \(errorText(-socket))") }
    var bound = SocketAddress()
    _ = cudp_local(socket, &bound.storage, &bound.length)
    (local, self.bound, self.address) = (bound, bound, bound.description)
    var configuration = settings.configuration(seed: seed), reason: UnsafePointer<CChar>?
    quic = Self.alpn.withCString {
      configuration.alpn = $0
      return cquic_endpoint_new(&configuration, &reason)
    }
    guard let quic else {
      close(socket)
      throw PluginError(.invalid, "no QUIC endpoint: \(reason.map { String(cString: $0) } ?? "unknown")")
    }
    var key = [UInt8](repeating: 0, count: Int(CQUIC_KEY_SIZE))
    cquic_endpoint_key(quic, &key)
    self.key = key
  }

  deinit {
    if let quic {
      cquic_endpoint_free(quic)
      close(socket)
    }
    receiving.deallocate()
    batches.deallocate()
    sending.deallocate()
  }

  static let alpn = "centram/1"

  /// Whether a packet from this socket can get to `remote`.
  func canReach(_ remote: SocketAddress) -> Bool {
    bound.isV6 == remote.isV6 && (bound.isAny || (bound.isLoopback && remote.isLoopback))
  }

  func start() throws(PluginError) {
    loop.watch(socket, isNew: true)
    try loop.start(self)
  }

  var now: UInt64 { clock.monotonicNanoseconds }
  var counters: cquic_counters { quic.map { cquic_endpoint_counters($0) } ?? cquic_counters() }

  func ready(_ descriptor: Int32, writable: Bool) {
    receive()
    if writable {
      loop.watch(socket)
      flush()
    }
  }

  private func receive() {
    guard let quic else { return }
    // Other work gets its turn after some rounds.
    for _ in 0..<8 {
      let count = cudp_receive(socket, receiving, batches)
      guard count > 0 else { return }
      let now = now
      var path = cquic_path(local: local.storage, remote: sockaddr_storage(), local_length: local.length, remote_length: 0)
      var source = cquic_source()
      for index in 0..<Int(count) {
        let batch = batches + index
        (path.remote, path.remote_length) = (batch.pointee.remote, batch.pointee.remote_length)
        (source.bytes, source.length) = (batch.pointee.source, local.isAny ? batch.pointee.source_length : 0)
        var offset = 0
        repeat {
          let size = min(batch.pointee.segment, batch.pointee.count - offset)
          cquic_receive(quic, batch.pointee.bytes + offset, size, &path, &source, batch.pointee.ecn, now)
          offset += size
        } while offset < batch.pointee.count
      }
      // Acknowledgements go out a batch.
      flush()
      if count < CUDP_SLOTS { return }
    }
  }

  private func flush() {
    guard let quic else { return }
    while true {
      if held == 0 {
        held = cquic_send(quic, sending, Int(CQUIC_MAX_BATCH), hasOffload ? Int(CQUIC_MAX_SEGMENTS) : 16, &batch, now)
        if held == 0 { return }
      }
      let result = send()
      if result == -EAGAIN || result == -ENOBUFS {
        loop.watch(socket, writable: true)
        return
      }
      if result == -EIO || result == -EINVAL, hasOffload {
        // A device without segmentation: one by one from now on.
        hasOffload = false
        continue
      }
      // Anything else is a lost packet, as the network may lose one: too large for the path, no route now.
      held = 0
    }
  }

  private func send() -> Int32 {
    withUnsafePointer(to: batch) { batch in
      let raw = UnsafeRawPointer(batch)
      let remote = raw.advanced(by: MemoryLayout<cquic_batch>.offset(of: \.path.remote)!).assumingMemoryBound(to: sockaddr.self)
      let source = raw.advanced(by: MemoryLayout<cquic_batch>.offset(of: \.source.bytes)!).assumingMemoryBound(to: UInt8.self)
      var options = cudp_send_options(
        remote: remote, remote_length: batch.pointee.path.remote_length, source: batch.pointee.source.length == 0 ? nil : source,
        source_length: Int(batch.pointee.source.length), segment: batch.pointee.segment, ecn: batch.pointee.ecn)
      return cudp_send(socket, sending, held, &options, hasOffload)
    }
  }

  func pump() -> UInt64 {
    guard let quic else { return .max }
    while true {
      let time = now
      if cquic_next_expiry(quic) <= time { cquic_expire(quic, time) }
      flush()
      guard tellEvents() else { break }
    }
    if isRetired, held == 0 { releaseIfUnused() }
    guard self.quic != nil else { return .max }
    return held == 0 ? cquic_next_expiry(quic) : now + 1_000_000
  }

  /// Once it is retired and has no connection, not even one that is closing, the place is free for others.
  func releaseIfUnused() {
    guard let quic, isRetired, connections.isEmpty, cquic_endpoint_counters(quic).connections == 0 else { return }
    ended()
    loop.stop()
  }

  func ended() {
    guard let quic else { return }
    cquic_endpoint_free(quic)
    loop.forget(socket)
    close(socket)
    self.quic = nil
  }

  /// Goes on with another socket, at the same address of ours if `address` is nil. With `announcing`, connections move to it as QUIC
  /// migrates; without, the peers see what they see when a NAT forgets a port.
  /// - Throws: `.closed` once the endpoint has ended: its descriptor is somebody else's by then.
  func replaceSocket(_ address: SocketAddress? = nil, announcing: Bool) throws(PluginError) {
    guard quic != nil else { throw PluginError(.closed, "the socket at \(self.address) is closed and has no successor") }
    var wanted = address ?? local
    if address == nil { withUnsafeMutableBytes(of: &wanted.storage) { bytes in (bytes[2], bytes[3]) = (0, 0) } }
    let new = wanted.withPointer { cudp_open($0, $1, settings.offload) }
    guard new >= 0 else { throw PluginError(.inputOutput, "no new socket at \(wanted.description): \(errorText(-new))") }
    loop.forget(socket)
    close(socket)
    socket = new
    loop.watch(new, isNew: true)
    guard announcing else { return }
    var bound = SocketAddress()
    _ = cudp_local(new, &bound.storage, &bound.length)
    local = bound
    for connection in connections {
      if let pointer = connection.pointer { _ = local.withPointer { cquic_connection_migrate(pointer, $0, $1, now) } }
    }
  }
}

extension QuicSettings {
  func configuration(seed: [UInt8]) -> cquic_config {
    var result = cquic_config()
    withUnsafeMutableBytes(of: &result.seed) { $0.copyBytes(from: seed.prefix(32)) }
    (result.idle_timeout, result.handshake_timeout) = (idleTimeoutMilliseconds * 1_000_000, handshakeTimeoutMilliseconds * 1_000_000)
    (result.keep_alive, result.linger) = (keepAliveMilliseconds * 1_000_000, lingerMilliseconds * 1_000_000)
    (result.stream_window, result.max_stream_window) = (streamWindow, maximumStreamWindow)
    (result.connection_window, result.max_connection_window) = (connectionWindow, maximumConnectionWindow)
    (result.stream_send_buffer, result.connection_send_buffer) = (streamSendBuffer, connectionSendBuffer)
    result.max_streams = maximumStreams
    (result.max_connections, result.max_half_open) = (UInt32(maximumConnections), UInt32(maximumHalfOpen))
    (result.retry_above_half_open, result.handshakes_per_minute) = (UInt32(retryAboveHalfOpen), UInt32(handshakesPerMinute))
    (result.datagram_queue, result.max_udp_payload) = (UInt32(datagramQueue), UInt32(maximumUDPPayload))
    (result.path_mtu_discovery, result.pacing) = (pathMTUDiscovery, pacing)
    return result
  }
}
