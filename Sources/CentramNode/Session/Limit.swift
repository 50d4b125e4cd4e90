/// What a peer can make this node hold or do, at most. Each limit is a setting (`network.limits.NAME` in the configuration), has a default, and
/// is counted when somebody reaches it. Limits on the size of frames and payloads are those of the protocol, in `CentramWire`.
public enum Limit: String, CaseIterable, Sendable {
  case handshakesPerSourceAndMinute, handshakesPerMinute, halfOpenHandshakes, handshakeMilliseconds
  case peers, suspendedSessions, resumeMilliseconds
  case streamsPerPeer, bytesReceivedInFlight, bytesSentInFlight, stalledMilliseconds
  case pendingRequests, servedRequests, inboxMessages, requestMilliseconds
  case outboxMessages, outboxBytes
  case keepAliveMilliseconds, silenceMilliseconds, gossipSkewMilliseconds
  case sessionMessagesPerSecond, discoveryMessagesPerSecond, genomeMessagesPerSecond, lineageMessagesPerSecond
  case trainingMessagesPerSecond, hyperlinkMessagesPerSecond, economyMessagesPerSecond, contentMessagesPerSecond
  case burstSeconds, banScore, banHalfLifeMilliseconds, bannedPeers

  /// What holds where nothing is configured.
  public var standard: Int {
    switch self {
    case .handshakesPerSourceAndMinute: 30
    case .handshakesPerMinute: 1_200
    case .halfOpenHandshakes: 128
    case .handshakeMilliseconds: 10_000
    case .peers: 1_024
    case .suspendedSessions: 256
    case .resumeMilliseconds: 120_000
    case .streamsPerPeer: 64
    case .bytesReceivedInFlight, .bytesSentInFlight: 32 << 20
    case .stalledMilliseconds: 30_000
    case .pendingRequests: 256
    case .servedRequests: 64
    case .inboxMessages: 256
    case .requestMilliseconds: 30_000
    case .outboxMessages: 1_024
    case .outboxBytes: 32 << 20
    case .keepAliveMilliseconds: 15_000
    case .silenceMilliseconds: 45_000
    case .gossipSkewMilliseconds: 300_000
    case .sessionMessagesPerSecond: 50
    case .discoveryMessagesPerSecond: 100
    case .genomeMessagesPerSecond: 1_000
    case .lineageMessagesPerSecond: 100
    // A round of the most participants shows a participant 510 frames within moments.
    case .trainingMessagesPerSecond: 200
    case .hyperlinkMessagesPerSecond: 2_000
    case .economyMessagesPerSecond: 200
    case .contentMessagesPerSecond: 1_000
    case .burstSeconds: 4
    case .banScore: 100
    case .banHalfLifeMilliseconds: 600_000
    case .bannedPeers: 4_096
    }
  }

  /// What is limited, for people.
  public var summary: String {
    switch self {
    case .handshakesPerSourceAndMinute: "handshakes that one source may begin in a minute"
    case .handshakesPerMinute: "handshakes that all together may begin in a minute"
    case .halfOpenHandshakes: "handshakes that are begun and not finished"
    case .handshakeMilliseconds: "time for a whole handshake"
    case .peers: "peers with a session"
    case .suspendedSessions: "sessions that wait for their peer to come back"
    case .resumeMilliseconds: "how long a session waits for its peer to come back"
    case .streamsPerPeer: "streams that a peer holds open"
    case .bytesReceivedInFlight: "bytes of a peer's frames that are received and not yet handled"
    case .bytesSentInFlight: "bytes that wait for a peer to take them"
    case .stalledMilliseconds: "how long a frame may be on its way, in or out"
    case .pendingRequests: "requests to a peer that wait for an answer"
    case .servedRequests: "requests of a peer that are being worked on"
    case .inboxMessages: "messages of a peer that wait for their handler"
    case .requestMilliseconds: "how long a request waits for its answer"
    case .outboxMessages: "reliable messages to a peer that it has not acknowledged"
    case .outboxBytes: "bytes of reliable messages to a peer that it has not acknowledged"
    case .keepAliveMilliseconds: "time between pings of a quiet peer"
    case .silenceMilliseconds: "how long a peer may be silent before its connection counts as lost"
    case .gossipSkewMilliseconds: "how far the time in a gossip frame may be from this node's"
    case .sessionMessagesPerSecond: "messages of the session family from a peer"
    case .discoveryMessagesPerSecond: "messages of the discovery family from a peer"
    case .genomeMessagesPerSecond: "messages of the genome exchange family from a peer"
    case .lineageMessagesPerSecond: "messages of the lineage and evaluation family from a peer"
    case .trainingMessagesPerSecond: "messages of the training rounds family from a peer"
    case .hyperlinkMessagesPerSecond: "messages of the hyperlink family from a peer"
    case .economyMessagesPerSecond: "messages of the economy family from a peer"
    case .contentMessagesPerSecond: "messages of the content and inference family from a peer"
    case .burstSeconds: "seconds' worth of messages that a peer may send at once"
    case .banScore: "points of misbehaviour that ban a peer"
    case .banHalfLifeMilliseconds: "time in which half of a peer's points are forgotten"
    case .bannedPeers: "peers and sources whose points are remembered"
    }
  }

  /// The limit on messages of a family, by the family's number: 0 session to 7 content and inference.
  static func messagesPerSecond(family: Int) -> Limit {
    [
      .sessionMessagesPerSecond, .discoveryMessagesPerSecond, .genomeMessagesPerSecond, .lineageMessagesPerSecond,
      .trainingMessagesPerSecond, .hyperlinkMessagesPerSecond, .economyMessagesPerSecond, .contentMessagesPerSecond,
    ][family & 7]
  }
}

/// A value for every limit.
public struct Limits: Sendable, Equatable {
  private var changed: [Limit: Int]

  public init(_ changed: [Limit: Int] = [:]) { self.changed = changed }

  public subscript(_ limit: Limit) -> Int {
    get { changed[limit] ?? limit.standard }
    set { changed[limit] = newValue }
  }

  /// A limit in milliseconds, as nanoseconds.
  func nanoseconds(_ limit: Limit) -> UInt64 { UInt64(max(0, self[limit])) * 1_000_000 }
}
