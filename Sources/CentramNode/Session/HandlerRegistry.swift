public import CentramWire
internal import Synchronization

/// A message for the node, with the peer that it came from.
public struct IncomingMessage: Sendable {
  public let frame: Frame
  /// The session that delivered it. For gossip that is not who signed it: see `frame.header.sender`.
  public let session: PeerSession
  /// Who delivered it.
  public let peer: NodeKey

  public init(frame: Frame, session: PeerSession, peer: NodeKey) { (self.frame, self.session, self.peer) = (frame, session, peer) }

  /// Gossip is signed for everybody and passed on; everything else is of the session.
  public var isGossip: Bool { frame.header.recipient == .anyone }
}

/// What a node does with a message, by type. A type has one handler.
public final class HandlerRegistry: Sendable {
  /// - Returns: the answer, where there is one.
  public typealias Handler = @Sendable (IncomingMessage) async throws -> (any WireMessage)?
  private let handlers = Mutex<[MessageType: Handler]>([:])

  public init() {}

  /// Takes a message as it is in the frame.
  public func on(_ type: MessageType, _ handler: @escaping Handler) { handlers.withLock { $0[type] = handler } }

  /// Takes a message of a type. Throw a `SessionError` to refuse it: the peer gets its sentence.
  public func on<Message: WireMessage>(_ type: Message.Type, _ handler: @escaping @Sendable (Message, IncomingMessage) async throws -> (any WireMessage)?) {
    on(Message.messageType) { incoming in try await handler(try incoming.frame.message(Message.self), incoming) }
  }

  public func handler(for type: MessageType) -> Handler? { handlers.withLock { $0[type] } }
}
