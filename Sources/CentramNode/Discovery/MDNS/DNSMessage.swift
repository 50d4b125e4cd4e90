/// A DNS message as multicast DNS uses it (RFC 1035, RFC 6762).
struct DNSMessage: Hashable, Sendable {
  /// RFC 6762, section 17.
  static let maximumSize = 9000
  /// Questions and records of one message; more are not read.
  static let maximumEntries = 256

  var id: UInt16 = 0
  /// Bit 15: response; 10: authoritative; 9: more known answers follow.
  var flags: UInt16 = 0
  var questions: [DNSQuestion] = []
  var answers: [DNSRecord] = []
  var authorities: [DNSRecord] = []
  var additionals: [DNSRecord] = []

  static let response: UInt16 = 0x8400
  static let truncated: UInt16 = 0x0200
  var isResponse: Bool { flags & 0x8000 != 0 }
  var isTruncated: Bool { flags & Self.truncated != 0 }
  /// Neither an operation code nor an error: other messages are ignored (RFC 6762, sections 18.3 and 18.11).
  var isPlain: Bool { flags & 0x780F == 0 }
}

struct DNSQuestion: Hashable, Sendable {
  var name: DNSName
  var type: DNSType
  /// Asks for an answer to the asker alone (RFC 6762, section 5.4).
  var unicastReply = false
  /// 1: Internet; 255: any.
  var recordClass: UInt16 = 1
}

struct DNSType: Hashable, Sendable {
  var rawValue: UInt16
  init(_ rawValue: UInt16) { self.rawValue = rawValue }
  static let a = DNSType(1), ptr = DNSType(12), txt = DNSType(16), aaaa = DNSType(28), srv = DNSType(33), nsec = DNSType(47), any = DNSType(255)
}

struct DNSRecord: Hashable, Sendable {
  var name: DNSName
  var data: DNSData
  /// Seconds.
  var ttl: UInt32
  /// The record replaces others of its name and type (RFC 6762, section 10.2).
  var cacheFlush = false
  var recordClass: UInt16 = 1

  var type: DNSType { data.type }
  /// Whether both say the same, however long they may be kept.
  func says(_ other: DNSRecord) -> Bool { name == other.name && data == other.data && recordClass == other.recordClass }
}

enum DNSData: Hashable, Sendable {
  /// 4 bytes.
  case a([UInt8])
  /// 16 bytes.
  case aaaa([UInt8])
  case ptr(DNSName)
  case srv(priority: UInt16, weight: UInt16, port: UInt16, target: DNSName)
  case txt([[UInt8]])
  /// The types that the name has; those from 256 on are not kept.
  case nsec(next: DNSName, types: [UInt8])
  case other(DNSType, [UInt8])

  var type: DNSType {
    switch self {
    case .a: .a
    case .aaaa: .aaaa
    case .ptr: .ptr
    case .srv: .srv
    case .txt: .txt
    case .nsec: .nsec
    case .other(let type, _): type
    }
  }
}
