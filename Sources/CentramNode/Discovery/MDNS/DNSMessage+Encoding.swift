extension DNSMessage {
  /// The message's bytes, names compressed.
  func encoded() -> [UInt8] {
    var writer = DNSWriter()
    writer.u16(id)
    writer.u16(flags)
    for count in [questions.count, answers.count, authorities.count, additionals.count] { writer.u16(UInt16(count)) }
    for question in questions {
      writer.name(question.name)
      writer.u16(question.type.rawValue)
      writer.u16(question.recordClass | (question.unicastReply ? 0x8000 : 0))
    }
    for record in answers + authorities + additionals { writer.record(record) }
    return writer.bytes
  }
}

struct DNSWriter {
  private(set) var bytes: [UInt8] = []
  private var offsets: [DNSName: Int] = [:]
  /// RFC 6762, section 18.14 asks for compression; data that is compared bit by bit (section 8.2) goes without.
  var compresses = true

  mutating func u16(_ value: UInt16) { bytes += [UInt8(value >> 8), UInt8(value & 0xFF)] }

  mutating func name(_ name: DNSName) {
    var rest = name
    while !rest.labels.isEmpty {
      if compresses, let offset = offsets[rest] {
        u16(0xC000 | UInt16(offset))
        return
      }
      if bytes.count < 0x4000 { offsets[rest] = bytes.count }
      bytes.append(UInt8(rest.labels[0].count))
      bytes += rest.labels[0]
      rest = rest.parent
    }
    bytes.append(0)
  }

  mutating func record(_ record: DNSRecord) {
    name(record.name)
    u16(record.type.rawValue)
    u16(record.recordClass | (record.cacheFlush ? 0x8000 : 0))
    u16(UInt16(record.ttl >> 16))
    u16(UInt16(record.ttl & 0xFFFF))
    let place = bytes.count
    u16(0)
    data(record.data)
    let count = bytes.count - place - 2
    (bytes[place], bytes[place + 1]) = (UInt8(count >> 8), UInt8(count & 0xFF))
  }

  mutating func data(_ data: DNSData) {
    switch data {
    case .a(let address), .aaaa(let address), .other(_, let address): bytes += address
    case .ptr(let target): name(target)
    case .srv(let priority, let weight, let port, let target):
      for value in [priority, weight, port] { u16(value) }
      name(target)
    case .txt(let strings):
      for string in strings {
        bytes.append(UInt8(min(255, string.count)))
        bytes += string.prefix(255)
      }
      // No string at all is written as one that is empty (RFC 6763, section 6.1).
      if strings.isEmpty { bytes.append(0) }
    case .nsec(let next, let types):
      name(next)
      guard let last = types.max() else { return }
      var bitmap = [UInt8](repeating: 0, count: Int(last) / 8 + 1)
      for type in types { bitmap[Int(type) / 8] |= 0x80 >> (type % 8) }
      bytes += [0, UInt8(bitmap.count)] + bitmap
    }
  }

  /// A record's data by itself and uncompressed, for comparison.
  static func plain(_ data: DNSData) -> [UInt8] {
    var writer = DNSWriter()
    writer.compresses = false
    writer.data(data)
    return writer.bytes
  }
}
