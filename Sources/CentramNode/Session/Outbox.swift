internal import CentramWire

/// Reliable messages as they were sent, until the peer has acknowledged them.
struct Outbox: Sendable {
  struct Entry: Sendable {
    let sequence: UInt64
    /// The whole frame. It is sent again as it is: same sequence, same signature.
    let frame: [UInt8]
    /// What it says, for a session that comes after this one.
    let message: any WireMessage
  }

  private(set) var entries: [Entry] = []
  private(set) var bytes = 0
  var isEmpty: Bool { entries.isEmpty }
  var count: Int { entries.count }

  /// - Returns: the limit that one more message would break.
  func limit(adding bytes: Int, _ limits: Limits) -> Limit? {
    entries.count >= limits[.outboxMessages] ? .outboxMessages : self.bytes + bytes > limits[.outboxBytes] ? .outboxBytes : nil
  }

  mutating func append(_ frame: [UInt8], _ message: any WireMessage, sequence: UInt64) {
    precondition(entries.last.map { $0.sequence < sequence } ?? true, "sequence numbers of a session rise")
    entries.append(Entry(sequence: sequence, frame: frame, message: message))
    bytes += frame.count
  }

  /// The peer has everything up to `sequence`.
  mutating func acknowledge(upTo sequence: UInt64) {
    let count = entries.prefix { $0.sequence <= sequence }.count
    for entry in entries.prefix(count) { bytes -= entry.frame.count }
    entries.removeFirst(count)
  }
}
