/// Holds the frames of one sender in one session to their session, their peers and a rising sequence. Pure: who uses it says what time it is.
public struct SequenceGuard: Sendable {
  public let sender: NodeKey
  public let recipient: NodeKey
  /// 16 bytes.
  public let session: [UInt8]
  /// The highest sequence taken so far; 0 before the first frame.
  public private(set) var last: UInt64

  /// - Parameter last: the highest sequence taken before, when a session goes on.
  public init(sender: NodeKey, recipient: NodeKey, session: [UInt8], last: UInt64 = 0) {
    precondition(session.count == 16, "a session has 16 bytes, not \(session.count)")
    (self.sender, self.recipient, self.session, self.last) = (sender, recipient, session, last)
  }

  /// Takes a frame. A gap is no breach; a refused frame changes nothing.
  /// - Throws: `wrongPeer`, `wrongSession`, `badSequence`.
  public mutating func take(_ header: FrameHeader) throws(WireError) {
    guard header.sender == sender else { throw WireError(.wrongPeer, "the frame is from \(header.sender), the session with \(sender)", header: header) }
    guard header.recipient == recipient else { throw WireError(.wrongPeer, "the frame is for \(header.recipient), not for \(recipient)", header: header) }
    guard header.session == session else {
      throw WireError(.wrongSession, "the frame is of session \(hexadecimal(header.session)), not of \(hexadecimal(session))", header: header)
    }
    guard header.sequence > last else { throw WireError(.badSequence, "sequence \(header.sequence) is not above \(last)", header: header) }
    last = header.sequence
  }
}

/// Holds gossip, which comes from many senders outside sessions, to its time and to a rising sequence for each sender.
///
/// A sender's sequence is forgotten once its last frame is so old that a repeat would be refused for its time. So memory is bounded by the senders of
/// ten minutes, and by `maximumSenders`.
public struct GossipGuard: Sendable {
  /// Milliseconds that a frame's time may be off, either way.
  public static let maximumSkew: UInt64 = 5 * 60 * 1000

  public let maximumSenders: Int
  private var last: [NodeKey: (sequence: UInt64, time: UInt64)] = [:]
  private var nextSweep: UInt64 = 0

  /// - Parameter maximumSenders: senders that are remembered at a time.
  public init(maximumSenders: Int = 65_536) {
    precondition(maximumSenders > 0, "at least one sender must be remembered")
    self.maximumSenders = maximumSenders
  }

  /// Senders that are remembered.
  public var senders: Int { last.count }

  /// Takes a frame at `now`, in Unix milliseconds. A refused frame changes nothing.
  /// - Throws: `wrongSession`, `wrongPeer`: it is no gossip. `badTime`; `badSequence`: a repeat, a step back, or one more sender than can be remembered.
  public mutating func take(_ header: FrameHeader, now: UInt64) throws(WireError) {
    guard header.hasNoSession else { throw WireError(.wrongSession, "gossip has no session, this frame has \(hexadecimal(header.session))", header: header) }
    guard header.recipient == .anyone else { throw WireError(.wrongPeer, "gossip is for anyone, this frame for \(header.recipient)", header: header) }
    let skew = header.unixMilliseconds > now ? header.unixMilliseconds - now : now - header.unixMilliseconds
    guard skew <= Self.maximumSkew else {
      throw WireError(.badTime, "the frame's time is \(skew) ms off, at most \(Self.maximumSkew) are taken: set the clocks of both nodes", header: header)
    }
    sweep(now)
    if let last = last[header.sender] {
      guard header.sequence > last.sequence else { throw WireError(.badSequence, "sequence \(header.sequence) is not above \(last.sequence)", header: header) }
    } else {
      guard header.sequence > 0 else { throw WireError(.badSequence, "sequence 0 is not above 0", header: header) }
      guard last.count < maximumSenders else {
        throw WireError(.badSequence, "\(maximumSenders) senders are remembered, no more can be until one is forgotten", header: header)
      }
    }
    last[header.sender] = (header.sequence, max(header.unixMilliseconds, last[header.sender]?.time ?? 0))
  }

  /// Forgets senders whose frames can no longer be repeated, at most once a second.
  private mutating func sweep(_ now: UInt64) {
    guard now >= nextSweep else { return }
    nextSweep = now &+ 1000
    last = last.filter { $0.value.time >= now || now - $0.value.time <= Self.maximumSkew }
  }
}
