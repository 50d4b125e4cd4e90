/// Answers for one service on one link (RFC 6762): probes its names, announces, answers, defends, says goodbye.
/// Pure: messages and times go in, packets come out. Times are milliseconds of any one clock.
///
/// It leaves out what only shared names of several responders need: it never drops an answer because another gave it, since nobody else
/// gives the same.
struct MDNSResponder: Sendable {
  /// Replies that wait to be sent.
  static let maximumPending = 64
  /// Replies begun in a second; more askers are left to ask again.
  static let maximumReplies = 50
  static let probeInterval: UInt64 = 250
  static let conflictPause: UInt64 = 5_000

  private enum Phase { case probing(sent: Int), announcing(sent: Int), running, stopped }
  private struct Reply {
    var source: Endpoint, unicast: Bool, legacy: (id: UInt16, question: DNSQuestion)?
    var answers: [DNSRecord], additionals: [DNSRecord], due: UInt64
  }

  private(set) var instance: ServiceInstance
  private let rename: @Sendable (String) -> ServiceInstance
  private var random: RandomSource
  private var phase = Phase.stopped
  private var next: UInt64?
  private var replies: [Reply] = []
  private var sentAt: [DNSRecord: UInt64] = [:]
  private var window: (start: UInt64, count: Int) = (0, 0)
  private var conflicts: [UInt64] = []
  /// Queries and answers passed over because a limit was reached.
  private(set) var refused = 0

  /// - Parameter make: the service under a label; asked again with another label when somebody else holds the name.
  init(random: RandomSource, make: @escaping @Sendable (String) -> ServiceInstance) {
    (self.random, rename) = (random, make)
    instance = make(self.random.hex(16))
  }

  /// Whether the names are this node's: probed and announced once.
  var isAnnounced: Bool {
    switch phase {
    case .running: true
    case .announcing(let sent): sent > 0
    default: false
    }
  }

  mutating func start(at now: UInt64) {
    (phase, next) = (.probing(sent: 0), now + random.milliseconds(0...250))
  }

  /// When `poll` is due.
  var deadline: UInt64? { (replies.map(\.due) + [next].compactMap { $0 }).min() }

  /// Takes a message that arrived on the link.
  /// - Parameter source: must be on the link; the caller sees to that.
  mutating func receive(_ message: DNSMessage, from source: Endpoint, at now: UInt64) {
    guard message.isPlain else { return }
    if case .stopped = phase { return }
    if message.isResponse { return defend(against: message, from: source, at: now) }
    if case .probing = phase {
      if loses(to: message) { (phase, next) = (.probing(sent: 0), now + 1000) }
      return
    }
    answer(message, from: source, at: now)
  }

  /// What is to be sent now.
  mutating func poll(at now: UInt64) -> [MDNSPacket] {
    var packets: [MDNSPacket] = []
    if let next, next <= now {
      switch phase {
      case .probing(let sent) where sent < 3:
        packets.append(MDNSPacket(message: probe))
        (phase, self.next) = (.probing(sent: sent + 1), now + Self.probeInterval)
      case .probing:
        packets.append(announcement(at: now))
        (phase, self.next) = (.announcing(sent: 1), now + 1000)
      case .announcing(let sent):
        packets.append(announcement(at: now))
        (phase, self.next) = sent + 1 < 3 ? (.announcing(sent: sent + 1), now + 2000) : (.running, nil)
      case .running, .stopped: self.next = nil
      }
    }
    let due = replies.filter { $0.due <= now }
    replies.removeAll { $0.due <= now }
    packets += due.filter { $0.unicast }.compactMap { unicast($0) }
    if let packet = multicast(due.filter { !$0.unicast }, at: now) { packets.append(packet) }
    return packets
  }

  /// Takes the service back: the packet to send once, or none where nothing was announced.
  mutating func stop() -> [MDNSPacket] {
    defer { (phase, next, replies) = (.stopped, nil, []) }
    guard isAnnounced else { return [] }
    let records = instance.all.map { record in
      var gone = record
      gone.ttl = 0
      return gone
    }
    return [MDNSPacket(message: DNSMessage(flags: DNSMessage.response, answers: records))]
  }
}

extension MDNSResponder {
  private var probe: DNSMessage {
    let questions = [instance.name, instance.host].map { DNSQuestion(name: $0, type: .any, unicastReply: true) }
    let proposed = instance.unique.map { record in
      var plain = record
      plain.cacheFlush = false
      return plain
    }
    return DNSMessage(questions: questions, authorities: proposed)
  }

  private mutating func announcement(at now: UInt64) -> MDNSPacket {
    for record in instance.all { sentAt[record] = now }
    return MDNSPacket(
      message: DNSMessage(
        flags: DNSMessage.response, answers: instance.all, additionals: [instance.absence(of: instance.name), instance.absence(of: instance.host)]))
  }

  /// Somebody probes for the same name at the same time: the records that are later in order win (RFC 6762, section 8.2).
  private func loses(to message: DNSMessage) -> Bool {
    for name in [instance.name, instance.host] where message.questions.contains(where: { $0.name == name }) {
      let theirs = Self.ordered(message.authorities.filter { $0.name == name })
      if theirs.isEmpty { continue }
      let mine = Self.ordered(instance.unique.filter { $0.name == name })
      if mine.lexicographicallyPrecedes(theirs, by: { $0.lexicographicallyPrecedes($1) }) { return true }
    }
    return false
  }

  private static func ordered(_ records: [DNSRecord]) -> [[UInt8]] {
    records.map { record in
      [UInt8(record.recordClass >> 8), UInt8(record.recordClass & 0xFF), UInt8(record.type.rawValue >> 8), UInt8(record.type.rawValue & 0xFF)] + DNSWriter.plain(record.data)
    }.sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// Somebody answers for a name of this node with other data: take another name, since ours says nothing anyway.
  private mutating func defend(against message: DNSMessage, from source: Endpoint, at now: UInt64) {
    guard source.port == MDNSPacket.port else { return }
    let clash = (message.answers + message.additionals).contains { record in
      (record.name == instance.name || record.name == instance.host) && record.ttl > 0 && record.type != .nsec
        && !instance.unique.contains { $0.says(record) }
    }
    guard clash else { return }
    conflicts = conflicts.filter { now < $0 + 10_000 } + [now]
    replies = []
    sentAt = [:]
    instance = rename(random.hex(16))
    // Fifteen conflicts in ten seconds are no accident: go slowly then (RFC 6762, section 8.1).
    (phase, next) = (.probing(sent: 0), now + (conflicts.count >= 15 ? Self.conflictPause : random.milliseconds(0...250)))
  }

  private mutating func answer(_ message: DNSMessage, from source: Endpoint, at now: UInt64) {
    // Known answers also count for questions that came before in a truncated message.
    let known = message.answers
    for index in replies.indices where replies[index].source == source { replies[index].answers.removeAll { Self.isKnown($0, known) } }
    replies.removeAll { $0.answers.isEmpty }
    let legacy = source.port != MDNSPacket.port
    for question in message.questions {
      guard var (answers, additionals) = instance.answer(question) else { continue }
      answers.removeAll { Self.isKnown($0, known) }
      if answers.isEmpty { continue }
      guard admit(at: now) else { continue }
      let shared = answers.contains { !$0.cacheFlush }
      let delay = message.isTruncated ? random.milliseconds(400...500) : shared ? random.milliseconds(20...120) : 0
      // An answer that the link has not heard for long goes to all, so that caches are refreshed (RFC 6762, section 5.4).
      let recent = answers.allSatisfy { record in sentAt[record].map { now < $0 + UInt64(record.ttl) * 250 } ?? false }
      let defence = !message.authorities.isEmpty
      additionals.removeAll { answers.contains($0) || Self.isKnown($0, known) }
      replies.append(
        Reply(
          source: source, unicast: legacy || (question.unicastReply && (recent || defence)), legacy: legacy ? (message.id, question) : nil,
          answers: answers, additionals: additionals, due: now + (defence ? 0 : delay)))
    }
  }

  private mutating func admit(at now: UInt64) -> Bool {
    if now >= window.start + 1000 { window = (now, 0) }
    window.count += 1
    guard window.count <= Self.maximumReplies, replies.count < Self.maximumPending else {
      refused += 1
      return false
    }
    return true
  }

  private static func isKnown(_ record: DNSRecord, _ known: [DNSRecord]) -> Bool {
    known.contains { $0.says(record) && $0.ttl >= record.ttl / 2 }
  }

  private func unicast(_ reply: Reply) -> MDNSPacket? {
    var message = DNSMessage(flags: DNSMessage.response, answers: reply.answers, additionals: reply.additionals)
    if let legacy = reply.legacy {
      // A plain resolver: its own id and question, short lives, no bit that it does not know (RFC 6762, section 6.7).
      func plain(_ record: DNSRecord) -> DNSRecord { DNSRecord(name: record.name, data: record.data, ttl: min(record.ttl, 10)) }
      message = DNSMessage(
        id: legacy.id, flags: DNSMessage.response, questions: [legacy.question], answers: reply.answers.map(plain), additionals: reply.additionals.map(plain))
    }
    return MDNSPacket(message: message, destination: .host(reply.source))
  }

  /// One packet for all that is due; no record more than once a second (RFC 6762, section 6).
  private mutating func multicast(_ due: [Reply], at now: UInt64) -> MDNSPacket? {
    var answers: [DNSRecord] = [], additionals: [DNSRecord] = []
    for reply in due {
      for record in reply.answers where !answers.contains(record) && !(sentAt[record].map { now < $0 + 1000 } ?? false) { answers.append(record) }
    }
    guard !answers.isEmpty else { return nil }
    for record in due.flatMap(\.additionals) where !answers.contains(record) && !additionals.contains(record) { additionals.append(record) }
    for record in answers + additionals { sentAt[record] = now }
    return MDNSPacket(message: DNSMessage(flags: DNSMessage.response, answers: answers, additionals: additionals))
  }
}
