internal import CentramPluginAPI
internal import CentramTransportSupport

final class NatsListener: TransportListener, @unchecked Sendable {
  let address: String
  private let node: NatsNode, broker: NatsBroker
  private let accepted = WaitQueue<MultiplexedConnection>(limit: 128)
  private let lock = Lock()
  private var pipes: [String: NatsPipe] = [:]
  private var subscription: NatsSubscription?

  init(_ node: NatsNode, _ broker: NatsBroker, _ address: TransportAddress) throws(PluginError) {
    (self.node, self.broker, self.address) = (node, broker, address.description)
    subscription = try broker.subscribe(Subject.node(address.path), group: "centram") { [weak self] in self?.asked($0) }
  }

  func accept() async throws(PluginError) -> any TransportConnection { try await accepted.next() }

  func close() async {
    accepted.close(PluginError(.closed, "the listener at \(address) is closed"))
    let ended = lock.withLock {
      defer { subscription = nil }
      return subscription
    }
    withExtendedLifetime(ended) {}
  }

  /// Somebody wants to connect, or asks again.
  private func asked(_ raw: UnsafeRawBufferPointer) {
    guard let message = NatsMessage(raw), message.kind == .open, message.bytes.count == 32 else { return }
    let id = String(decoding: message.bytes, as: UTF8.self)
    guard id.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else { return }
    let pipe = NatsPipe(node, broker, incoming: Subject.toListener(id), outgoing: Subject.toDialler(id))
    let admitted = lock.withLock {
      guard subscription != nil, pipes[id] == nil, pipes.count < node.maximumConnections else { return false }
      pipes[id] = pipe
      return true
    }
    guard admitted else { return }
    pipe.onEnd = { [weak self] in self?.forget(id) }
    let limit = node.timers.schedule(after: node.handshakeNanoseconds) { [weak pipe] in pipe?.end(PluginError(.closed, "the handshake took too long")) }
    do throws(TransportSupportError) {
      let secured = try SecuredPipe(
        pipe, role: .listener, identity: node.identity, expecting: nil, settings: node.settings, timers: node.timers,
        onEstablished: { [accepted] connection in
          limit.cancel()
          accepted.offer(connection)
        })
      do throws(PluginError) { try pipe.start(secured) } catch { pipe.end(error) }
    } catch { pipe.end(error.pluginError) }
  }

  private func forget(_ id: String) { lock.withLock { pipes[id] = nil } }
}
