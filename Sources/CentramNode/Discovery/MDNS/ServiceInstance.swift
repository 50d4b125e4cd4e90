/// A node's service on one link, and the records that say so. Its names are drawn by chance and tell nothing of the machine.
struct ServiceInstance: Sendable {
  static let service = DNSName("_centram._udp.local")
  static let types = DNSName("_services._dns-sd._udp.local")
  /// Seconds, as RFC 6762, section 10 recommends: for what names a host, and for the rest.
  static let hostTTL: UInt32 = 120, serviceTTL: UInt32 = 4500
  static let maximumAddresses = 8

  let name: DNSName
  let host: DNSName
  let port: UInt16
  let text: ServiceText
  let addresses: [IPAddress]

  /// - Parameter label: 1 to 40 letters and digits.
  init(label: String, port: UInt16, text: ServiceText, addresses: [IPAddress]) {
    precondition((1...40).contains(label.utf8.count), "a label that DNS does not take")
    name = Self.service.prefixed(label)!
    host = DNSName("local").prefixed(label)!
    (self.port, self.text, self.addresses) = (port, text, Array(addresses.prefix(Self.maximumAddresses)))
  }

  var pointer: DNSRecord { DNSRecord(name: Self.service, data: .ptr(name), ttl: Self.serviceTTL) }
  var typePointer: DNSRecord { DNSRecord(name: Self.types, data: .ptr(Self.service), ttl: Self.serviceTTL) }

  var server: DNSRecord {
    DNSRecord(name: name, data: .srv(priority: 0, weight: 0, port: port, target: host), ttl: Self.hostTTL, cacheFlush: true)
  }
  var textRecord: DNSRecord { DNSRecord(name: name, data: .txt(text.strings), ttl: Self.serviceTTL, cacheFlush: true) }
  var addressRecords: [DNSRecord] {
    addresses.map { DNSRecord(name: host, data: $0.isIPv4 ? .a($0.bytes) : .aaaa($0.bytes), ttl: Self.hostTTL, cacheFlush: true) }
  }

  /// Records that are this node's alone: nobody else may answer for their names.
  var unique: [DNSRecord] { [server, textRecord] + addressRecords }
  /// What is announced.
  var all: [DNSRecord] { [pointer] + unique }

  /// Says which types a name has, and so that it has no others (RFC 6762, section 6.1).
  func absence(of name: DNSName) -> DNSRecord {
    let types = Set(unique.filter { $0.name == name }.map { UInt8($0.type.rawValue) })
    return DNSRecord(name: name, data: .nsec(next: name, types: types.sorted()), ttl: Self.hostTTL, cacheFlush: true)
  }

  /// The answer to a question, with what the asker will want next; nil where the question is not for this node.
  func answer(_ question: DNSQuestion) -> (answers: [DNSRecord], additionals: [DNSRecord])? {
    guard question.recordClass == 1 || question.recordClass == 255 else { return nil }
    func asks(_ type: DNSType) -> Bool { question.type == type || question.type == .any }
    switch question.name {
    case Self.service: return asks(.ptr) ? ([pointer], unique + [absence(of: name), absence(of: host)]) : nil
    case Self.types: return asks(.ptr) ? ([typePointer], []) : nil
    case name:
      let found = [server, textRecord].filter { asks($0.type) }
      return found.isEmpty ? ([absence(of: name)], []) : (found, asks(.srv) ? addressRecords + [absence(of: host)] : [])
    case host:
      let found = addressRecords.filter { asks($0.type) }
      return found.isEmpty ? ([absence(of: host)], []) : (found, addressRecords.filter { !found.contains($0) } + [absence(of: host)])
    default: return nil
    }
  }
}
