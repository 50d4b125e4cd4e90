extension DNSMessage {
  /// Reads a datagram from anybody.
  /// - Throws: `.dnsMessage`. Work is bounded by the size: a name's pointers go strictly backwards and at most 16 times.
  init(_ bytes: [UInt8]) throws(DiscoveryError) {
    guard bytes.count <= Self.maximumSize else { throw DiscoveryError(.dnsMessage, "\(bytes.count) bytes; a message has at most \(Self.maximumSize)") }
    var reader = DNSReader(bytes)
    id = try reader.u16()
    flags = try reader.u16()
    let counts = (try reader.u16(), try reader.u16(), try reader.u16(), try reader.u16())
    let total = Int(counts.0) + Int(counts.1) + Int(counts.2) + Int(counts.3)
    guard total <= Self.maximumEntries else { throw DiscoveryError(.dnsMessage, "\(total) questions and records; \(Self.maximumEntries) is the limit") }
    for _ in 0..<counts.0 {
      let name = try reader.name()
      let type = DNSType(try reader.u16()), raw = try reader.u16()
      questions.append(DNSQuestion(name: name, type: type, unicastReply: raw & 0x8000 != 0, recordClass: raw & 0x7FFF))
    }
    answers = try reader.records(counts.1)
    authorities = try reader.records(counts.2)
    additionals = try reader.records(counts.3)
  }
}

/// Reads a message from its beginning on.
struct DNSReader {
  static let maximumPointers = 16

  private let bytes: [UInt8]
  private var at = 0
  /// Reading stops here: the message's end, or the end of the record's data.
  private var end: Int

  init(_ bytes: [UInt8]) { (self.bytes, end) = (bytes, bytes.count) }

  private func cut() -> DiscoveryError { DiscoveryError(.dnsMessage, "the message ends at byte \(end), in the middle of something") }

  mutating func u8() throws(DiscoveryError) -> UInt8 {
    guard at < end else { throw cut() }
    at += 1
    return bytes[at - 1]
  }

  mutating func u16() throws(DiscoveryError) -> UInt16 { UInt16(try u8()) << 8 | UInt16(try u8()) }
  mutating func u32() throws(DiscoveryError) -> UInt32 { UInt32(try u16()) << 16 | UInt32(try u16()) }

  mutating func take(_ count: Int) throws(DiscoveryError) -> [UInt8] {
    guard count <= end - at else { throw cut() }
    at += count
    return Array(bytes[(at - count)..<at])
  }

  /// A name; what pointers lead to may stand anywhere before the pointer.
  mutating func name() throws(DiscoveryError) -> DNSName {
    var labels: [[UInt8]] = [], length = 1, pointers = 0
    var position = at, limit = end, start = at
    while true {
      guard position < limit else { throw cut() }
      let count = Int(bytes[position])
      switch count & 0xC0 {
      case 0xC0:
        guard position + 1 < limit else { throw cut() }
        let target = (count & 0x3F) << 8 | Int(bytes[position + 1])
        if pointers == 0 { at = position + 2 }
        pointers += 1
        guard target < start, pointers <= Self.maximumPointers else {
          throw DiscoveryError(.dnsMessage, "a name's pointer at byte \(position) leads to \(target): not backwards, or the \(pointers)th")
        }
        // From here on only what lies before is read, so no loop can arise.
        (position, limit, start) = (target, start, target)
      case 0 where count == 0:
        if pointers == 0 { at = position + 1 }
        guard let name = DNSName(labels: labels) else { throw DiscoveryError(.dnsMessage, "a name that is none") }
        return name
      case 0:
        guard position + 1 + count <= limit else { throw cut() }
        length += count + 1
        guard length <= 255 else { throw DiscoveryError(.dnsMessage, "a name of more than 255 bytes") }
        labels.append(Array(bytes[(position + 1)..<(position + 1 + count)]))
        position += count + 1
      default: throw DiscoveryError(.dnsMessage, "a label of an unknown kind at byte \(position)")
      }
    }
  }

  mutating func records(_ count: UInt16) throws(DiscoveryError) -> [DNSRecord] {
    var result: [DNSRecord] = []
    for _ in 0..<count { result.append(try record()) }
    return result
  }

  private mutating func record() throws(DiscoveryError) -> DNSRecord {
    let name = try name()
    let type = DNSType(try u16()), raw = try u16(), ttl = try u32(), count = Int(try u16())
    guard count <= end - at else { throw cut() }
    let whole = end
    end = at + count
    defer { end = whole }
    let data = try data(type, count)
    guard at == end else { throw DiscoveryError(.dnsMessage, "\(end - at) bytes too many in a record of type \(type.rawValue)") }
    // A value with the highest bit set counts as zero (RFC 2181, section 8).
    return DNSRecord(name: name, data: data, ttl: ttl > UInt32(Int32.max) ? 0 : ttl, cacheFlush: raw & 0x8000 != 0, recordClass: raw & 0x7FFF)
  }

  private mutating func data(_ type: DNSType, _ count: Int) throws(DiscoveryError) -> DNSData {
    switch type {
    case .a:
      guard count == 4 else { throw DiscoveryError(.dnsMessage, "an IPv4 address of \(count) bytes") }
      return .a(try take(4))
    case .aaaa:
      guard count == 16 else { throw DiscoveryError(.dnsMessage, "an IPv6 address of \(count) bytes") }
      return .aaaa(try take(16))
    case .ptr: return .ptr(try name())
    case .srv: return .srv(priority: try u16(), weight: try u16(), port: try u16(), target: try name())
    case .txt:
      var strings: [[UInt8]] = []
      // Empty strings say nothing (RFC 6763, section 6.1).
      while at < end {
        let string = try take(Int(try u8()))
        if !string.isEmpty { strings.append(string) }
      }
      return .txt(strings)
    case .nsec:
      let next = try name()
      var types: [UInt8] = []
      while at < end {
        let window = try u8(), bitmap = try take(Int(try u8()))
        guard bitmap.count <= 32 else { throw DiscoveryError(.dnsMessage, "a bitmap of \(bitmap.count) bytes") }
        guard window == 0 else { continue }
        for (index, byte) in bitmap.enumerated() {
          for bit in 0..<8 where byte & (0x80 >> UInt8(bit)) != 0 { types.append(UInt8(index * 8 + bit)) }
        }
      }
      return .nsec(next: next, types: types)
    default: return .other(type, try take(count))
    }
  }
}
