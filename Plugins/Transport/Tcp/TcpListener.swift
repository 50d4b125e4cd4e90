internal import CentramPluginAPI
internal import CentramTransportSupport
internal import NIOCore

final class TcpListener: TransportListener, @unchecked Sendable {
  private let node: TcpNode
  private let accepted = WaitQueue<MultiplexedConnection>(limit: 128)
  private let gate: HandshakeGate
  private let lock = Lock()
  private var channel: (any Channel)?
  private(set) var address = ""

  init(_ node: TcpNode) {
    self.node = node
    gate = HandshakeGate(atOnce: node.handshakesPerSource, perMinute: node.handshakesPerMinute, timers: node.timers)
  }

  func start(_ channel: any Channel) {
    let local = channel.localAddress
    address = TransportAddress(scheme: Tcp.scheme, host: local?.ipAddress ?? "", port: local?.port ?? 0).description
    lock.withLock { self.channel = channel }
  }

  /// A new connection, before anything was read from it. On its event loop.
  func admit(_ channel: any Channel) throws {
    let source = HandshakeGate.source(channel.remoteAddress)
    guard gate.enter(source) else {
      node.services.log(.debug, "refused a connection of \(channel.remoteAddress?.description ?? "an unknown source"): too many handshakes")
      throw PluginError(.limitExceeded, "too many handshakes of one source")
    }
    let pipe = TcpPipe(node.timers)
    let secured: SecuredPipe
    do {
      secured = try SecuredPipe(
        pipe, role: .listener, identity: node.identity, expecting: nil, settings: node.settings, timers: node.timers,
        onEstablished: { [accepted, node, weak pipe] connection in
          pipe?.handshakeEnded()
          if !accepted.offer(connection) { node.services.log(.debug, "dropped a connection: 128 wait to be accepted") }
        })
    } catch {
      gate.leave(source)
      throw error
    }
    let limit = node.timers.schedule(after: node.handshakeNanoseconds) { [weak secured] in secured?.pipeClosed(PluginError(.unavailable, "the handshake took too long")) }
    pipe.attach(
      secured,
      onHandshakeEnd: { [gate] in
        limit.cancel()
        gate.leave(source)
      })
    try pipe.install(on: channel)
  }

  func accept() async throws(PluginError) -> any TransportConnection { try await accepted.next() }

  func close() async {
    accepted.close(PluginError(.closed, "the listener at \(address) is closed"))
    let channel = lock.withLock {
      defer { self.channel = nil }
      return self.channel
    }
    try? await channel?.close()
  }
}

/// Counts handshakes by source: an IPv4 address, or the first 64 bits of an IPv6 address.
final class HandshakeGate: @unchecked Sendable {
  private static let sourceLimit = 4_096

  private struct Source { var underway = 0, used = 0.0, at: UInt64 = 0 }
  private let atOnce: Int, perMinute: Int, timers: any TransportTimers
  private let lock = Lock()
  private var sources: [[UInt8]: Source] = [:]

  init(atOnce: Int, perMinute: Int, timers: any TransportTimers) { (self.atOnce, self.perMinute, self.timers) = (atOnce, perMinute, timers) }

  static func source(_ address: SocketAddress?) -> [UInt8] {
    switch address {
    case .v4(let address): withUnsafeBytes(of: address.address.sin_addr.s_addr) { [UInt8]($0) }
    case .v6(let address): withUnsafeBytes(of: address.address.sin6_addr) { [UInt8]($0.prefix(8)) }
    default: []
    }
  }

  /// - Returns: whether another handshake of the source may begin; `leave` ends it.
  func enter(_ source: [UInt8]) -> Bool {
    lock.withLock {
      let now = timers.nanoseconds
      if sources.count >= Self.sourceLimit && sources[source] == nil { forgetIdle(now) }
      guard sources.count < Self.sourceLimit || sources[source] != nil else { return false }
      var state = sources[source] ?? Source()
      // A bucket that leaks evenly.
      state.used = max(0, state.used - Double(now &- state.at) / 60e9 * Double(perMinute))
      state.at = now
      let admitted = state.underway < atOnce && state.used + 1 <= Double(perMinute)
      if admitted { (state.underway, state.used) = (state.underway + 1, state.used + 1) }
      sources[source] = state
      return admitted
    }
  }

  func leave(_ source: [UInt8]) { lock.withLock { sources[source]?.underway -= 1 } }

  private func forgetIdle(_ now: UInt64) { sources = sources.filter { $0.value.underway > 0 || now &- $0.value.at < 60_000_000_000 } }
}
