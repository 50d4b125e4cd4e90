/// A domain name: labels of 1 to 63 bytes, 255 in all. Equal without regard to ASCII case (RFC 1035, section 2.3.3).
struct DNSName: Hashable, Sendable, CustomStringConvertible {
  let labels: [[UInt8]]
  private let folded: [UInt8]

  static let root = DNSName(unchecked: [])

  /// Nil beyond DNS's limits.
  init?(labels: [[UInt8]]) {
    guard labels.allSatisfy({ (1...63).contains($0.count) }), labels.reduce(1, { $0 + $1.count + 1 }) <= 255 else { return nil }
    self.init(unchecked: labels)
  }

  /// A name that the program itself knows: labels without dots, with dots between.
  init(_ text: StaticString) {
    self.init(unchecked: "\(text)".split(separator: ".").map { Array($0.utf8) })
  }

  private init(unchecked labels: [[UInt8]]) {
    self.labels = labels
    // The lengths keep `a.b` and `ab` apart.
    folded = labels.flatMap { [UInt8($0.count)] + $0.map { (65...90).contains($0) ? $0 | 0x20 : $0 } }
  }

  /// `label` before this name; nil where the label or the whole is too long.
  func prefixed(_ label: String) -> DNSName? { DNSName(labels: [Array(label.utf8)] + labels) }

  /// Without the first label.
  var parent: DNSName { DNSName(unchecked: Array(labels.dropFirst())) }

  static func == (a: DNSName, b: DNSName) -> Bool { a.folded == b.folded }
  func hash(into hasher: inout Hasher) { hasher.combine(folded) }
  /// What equal names share.
  var key: [UInt8] { folded }

  var description: String { labels.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ".") }
}
