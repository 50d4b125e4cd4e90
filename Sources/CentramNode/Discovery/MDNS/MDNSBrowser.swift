/// Looks for services on one link (RFC 6762, RFC 6763): asks ever more seldom, keeps what it hears for as long as it is good, fetches what is
/// missing. Pure: messages and times go in, packets and events come out. Times are milliseconds of any one clock.
struct MDNSBrowser: Sendable {
  /// Instances looked at, so that a flood of names fills nothing.
  static let maximumInstances = 128
  static let longestInterval: UInt64 = 3_600_000
  /// Bytes of a query, so that it fits a datagram of any link.
  static let querySize = 1400

  private struct Missing: Sendable { var tries = 0, next: UInt64 }

  private(set) var cache = RecordCache()
  private var random: RandomSource
  /// For IPv6 addresses of the link: where they are.
  private let zone: String?
  private var next: UInt64?
  private var interval: UInt64 = 1000
  private var jitter: UInt64
  private var missing: [DNSName: Missing] = [:]
  private var known: [DNSName: DiscoveredService] = [:]
  private var events: [ServiceEvent] = []

  init(random: RandomSource, zone: String?) {
    (self.random, self.zone) = (random, zone)
    jitter = self.random.milliseconds(0...20)
  }

  var services: [DiscoveredService] { Array(known.values) }

  mutating func start(at now: UInt64) { (next, interval) = (now + random.milliseconds(20...120), 1000) }

  var deadline: UInt64? {
    ([next, cache.deadline(jitter: jitter)].compactMap { $0 } + missing.values.map(\.next) + (events.isEmpty ? [] : [0])).min()
  }

  /// Takes a response that arrived on the link; others are passed over.
  mutating func receive(_ message: DNSMessage, from source: Endpoint, at now: UInt64) {
    guard message.isResponse, message.isPlain, source.port == MDNSPacket.port else { return }
    let records = (message.answers + message.additionals).filter { $0.recordClass == 1 }
    _ = cache.expire(at: now)
    for record in records where record.name == ServiceInstance.service {
      guard case .ptr(let name) = record.data, name.parent == ServiceInstance.service else { continue }
      cache.add(record, at: now, limit: Self.maximumInstances)
    }
    let instances = Set(cache.records(ServiceInstance.service, .ptr).compactMap { Self.target($0.record) })
    for record in records where instances.contains(record.name) {
      switch record.data {
      case .srv, .txt: cache.add(record, at: now)
      default: continue
      }
    }
    let hosts = Set(instances.flatMap { cache.records($0, .srv) }.compactMap { Self.target($0.record) })
    for record in records where hosts.contains(record.name) {
      switch record.data {
      case .a, .aaaa: cache.add(record, at: now)
      default: continue
      }
    }
    resolve(at: now)
  }

  /// What is to be asked now, and what changed.
  mutating func poll(at now: UInt64) -> (packets: [MDNSPacket], events: [ServiceEvent]) {
    if cache.expire(at: now) { resolve(at: now) }
    var questions = cache.refreshes(at: now, jitter: jitter).map { DNSQuestion(name: $0.name, type: $0.type) }
    if let next, next <= now {
      // Always asked of all: an answer to this host alone might reach another program on port 5353.
      questions.append(DNSQuestion(name: ServiceInstance.service, type: .ptr))
      self.next = now + interval
      interval = min(interval * 2, Self.longestInterval)
    }
    for (name, state) in missing where state.next <= now {
      missing[name] = state.tries < 3 ? Missing(tries: state.tries + 1, next: now + 1000 << UInt64(state.tries)) : Missing(tries: 4, next: now + Self.longestInterval)
      if cache.records(name, .srv).isEmpty || cache.records(name, .txt).isEmpty {
        questions.append(DNSQuestion(name: name, type: .any))
      } else {
        for case let host? in cache.records(name, .srv).map({ Self.target($0.record) }) {
          questions += [DNSQuestion(name: host, type: .a), DNSQuestion(name: host, type: .aaaa)]
        }
      }
    }
    defer { events = [] }
    return (queries(Array(Set(questions)), at: now), events)
  }

  /// Forgets an instance, for instance because nobody answered there (RFC 6762, section 10.4), and asks again.
  mutating func reconfirm(_ instance: String, at now: UInt64) {
    guard let name = ServiceInstance.service.prefixed(instance), known[name] != nil else { return }
    cache.remove(name)
    missing[name] = Missing(next: now)
  }
}

extension MDNSBrowser {
  private static func target(_ record: DNSRecord) -> DNSName? {
    switch record.data {
    case .ptr(let name): name
    case .srv(_, _, _, let name): name
    default: nil
    }
  }

  /// Compares what the cache says with what was told.
  private mutating func resolve(at now: UInt64) {
    let names = cache.records(ServiceInstance.service, .ptr).compactMap { Self.target($0.record) }
    var current: [DNSName: DiscoveredService] = [:]
    for name in names {
      if let service = service(name) {
        current[name] = service
        missing[name] = nil
      } else if missing[name] == nil {
        // Announcements often come in one packet; what it lacks is asked for a moment later.
        missing[name] = Missing(next: now + random.milliseconds(20...120))
      }
    }
    missing = missing.filter { names.contains($0.key) }
    for (name, service) in current where known[name] != service { events.append(known[name] == nil ? .found(service) : .changed(service)) }
    for (name, service) in known where current[name] == nil { events.append(.lost(service)) }
    known = current
  }

  private func service(_ name: DNSName) -> DiscoveredService? {
    guard let server = cache.records(name, .srv).max(by: { $0.received < $1.received }), case .srv(_, _, let port, let host) = server.record.data, port > 0,
      case .txt(let strings)? = cache.records(name, .txt).max(by: { $0.received < $1.received })?.record.data, let text = ServiceText(strings)
    else { return nil }
    let found = (cache.records(host, .aaaa) + cache.records(host, .a)).compactMap { entry -> IPAddress? in
      switch entry.record.data {
      case .a(let bytes): return IPAddress(bytes: bytes)
      case .aaaa(let bytes): return IPAddress(bytes: bytes).map { $0.reach == .link ? IPAddress(bytes: bytes, zone: zone)! : $0 }
      default: return nil
      }
    }.filter { $0.reach > .loopback }
    let listeners = text.transports.isEmpty ? [ServiceText.Listener(scheme: "quic")] : text.transports
    let addresses = Array(found.sorted { $0.description < $1.description }.prefix(ServiceInstance.maximumAddresses)).flatMap { ip in
      listeners.map { PeerAddress(scheme: $0.scheme, address: ip, port: $0.port ?? port) }
    }
    guard !addresses.isEmpty, let label = name.labels.first else { return nil }
    return DiscoveredService(instance: String(decoding: label, as: UTF8.self), id: text.id, addresses: addresses)
  }

  /// Queries with what is known already, so that nobody repeats it; cut into several where that is much (RFC 6762, sections 7.1 and 7.2).
  private func queries(_ questions: [DNSQuestion], at now: UInt64) -> [MDNSPacket] {
    var packets: [MDNSPacket] = []
    var rest = questions.sorted { ($0.name.key + [UInt8($0.type.rawValue & 0xFF)]).lexicographicallyPrecedes($1.name.key + [UInt8($1.type.rawValue & 0xFF)]) }[...]
    var answers =
      questions.contains { $0.name == ServiceInstance.service }
      ? cache.records(ServiceInstance.service, .ptr).compactMap { entry -> DNSRecord? in
        let remaining = entry.remaining(at: now)
        guard remaining > entry.record.ttl / 2 else { return nil }
        var record = entry.record
        record.ttl = remaining
        return record
      } : []
    while !rest.isEmpty || !answers.isEmpty {
      var message = DNSMessage()
      // An upper bound of the size, without compression.
      var size = 12
      while let question = rest.first, size + question.name.key.count + 5 <= Self.querySize {
        size += question.name.key.count + 5
        message.questions.append(rest.removeFirst())
      }
      while let record = answers.last, size + 2 * (record.name.key.count + 64) + 11 <= Self.querySize {
        size += record.name.key.count + 11 + DNSWriter.plain(record.data).count
        message.answers.append(answers.removeLast())
      }
      if rest.isEmpty && !answers.isEmpty { message.flags |= DNSMessage.truncated }
      packets.append(MDNSPacket(message: message))
      if packets.count == 16 { break }
    }
    return packets
  }
}
