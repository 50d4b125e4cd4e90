internal import CNats
internal import CentramPluginAPI
internal import CentramTransportSupport
internal import Dispatch

/// A connection to a NATS server, which libnats makes again when it breaks.
final class NatsBroker: @unchecked Sendable {
  private let connection: OpaquePointer
  private init(_ connection: OpaquePointer) { self.connection = connection }
  deinit { natsConnection_Destroy(connection) }

  /// - Throws: `.unavailable`.
  static func connect(_ authority: String, credentials: String?) async throws(PluginError) -> NatsBroker {
    let answer = WaitQueue<NatsBroker>()
    // libnats waits for the server's greeting on the thread that calls.
    DispatchQueue.global().async {
      var options: OpaquePointer?, connection: OpaquePointer?
      natsOptions_Create(&options)
      defer { natsOptions_Destroy(options) }
      natsOptions_SetURL(options, "nats://\(authority)")
      natsOptions_SetName(options, "centram")
      natsOptions_SetTimeout(options, 5_000)
      natsOptions_SetMaxReconnect(options, -1)
      natsOptions_SetReconnectWait(options, 200)
      natsOptions_SetReconnectJitter(options, 100, 100)
      natsOptions_UseGlobalMessageDelivery(options, true)
      natsOptions_SetSendAsap(options, true)
      // Said by the connections above, in their own words.
      natsOptions_SetErrorHandler(options, { _, _, _, _ in }, nil)
      if let credentials { natsOptions_SetUserCredentialsFromFiles(options, credentials, nil) }
      let status = natsConnection_Connect(&connection, options)
      if let connection, status == NATS_OK {
        answer.offer(NatsBroker(connection))
      } else {
        answer.close(PluginError(.unavailable, "no NATS server answers at \(authority): \(String(cString: natsStatus_GetText(status)))"))
      }
    }
    return try await answer.next()
  }

  /// Hands each message's bytes to `body`, one at a time, until the result is let go.
  /// - Parameter group: one of all that listen with the same group gets a message.
  func subscribe(_ subject: String, group: String? = nil, _ body: @escaping @Sendable (UnsafeRawBufferPointer) -> Void) throws(PluginError) -> NatsSubscription {
    let box = Unmanaged.passRetained(NatsReceiver(body))
    var subscription: OpaquePointer?
    let handler: natsMsgHandler = { _, _, message, closure in
      defer { natsMsg_Destroy(message) }
      guard let closure else { return }
      Unmanaged<NatsReceiver>.fromOpaque(closure).takeUnretainedValue().body(UnsafeRawBufferPointer(start: natsMsg_GetData(message), count: Int(natsMsg_GetDataLength(message))))
    }
    let status =
      if let group { natsConnection_QueueSubscribe(&subscription, connection, subject, group, handler, box.toOpaque()) } else {
        natsConnection_Subscribe(&subscription, connection, subject, handler, box.toOpaque())
      }
    guard let subscription, status == NATS_OK else {
      box.release()
      throw PluginError(.unavailable, "the NATS server takes no subscription: \(String(cString: natsStatus_GetText(status)))")
    }
    // libnats tells when no message is on its way to the body any more.
    natsSubscription_SetOnCompleteCB(subscription, { closure in if let closure { Unmanaged<NatsReceiver>.fromOpaque(closure).release() } }, box.toOpaque())
    return NatsSubscription(subscription, self)
  }

  /// May be lost, as all messages of NATS may.
  func publish(_ bytes: [UInt8], to subject: String) { natsConnection_Publish(connection, subject, bytes, Int32(bytes.count)) }
}

private final class NatsReceiver: Sendable {
  let body: @Sendable (UnsafeRawBufferPointer) -> Void
  init(_ body: @escaping @Sendable (UnsafeRawBufferPointer) -> Void) { self.body = body }
}

/// Ends when it is let go.
final class NatsSubscription: @unchecked Sendable {
  private let subscription: OpaquePointer
  private let broker: NatsBroker
  init(_ subscription: OpaquePointer, _ broker: NatsBroker) { (self.subscription, self.broker) = (subscription, broker) }
  deinit { natsSubscription_Destroy(subscription) }
}
