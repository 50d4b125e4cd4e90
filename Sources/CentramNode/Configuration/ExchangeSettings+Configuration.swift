internal import CentramWire

extension ExchangeSettings {
  /// - Throws: `.configuration`, naming the key.
  init(_ section: [String: Any], _ reader: NodeConfiguration.Reader) throws(MergeError) {
    self.init()
    try reader.section(section, "exchange.", ["offer", "want", "limits"])
    let offer = try reader.object(section["offer"], "exchange.offer") ?? [:]
    try reader.section(offer, "exchange.offer.", ["enabled", "peers", "domains", "minimumLift"])
    if let value = offer["enabled"] { self.offer.isEnabled = try reader.flag(value, "exchange.offer.enabled") }
    self.offer.domains = try reader.strings(offer["domains"], "exchange.offer.domains").map { DomainPattern($0) }
    self.offer.minimumLift = try Self.number(offer, "offer", "minimumLift", reader)
    for text in try reader.strings(offer["peers"], "exchange.offer.peers") {
      guard let key = NodeKey(hexadecimal: text) else { throw reader.error("exchange.offer.peers", "must be ids of peers, 64 hexadecimal digits each") }
      self.offer.peers.insert(key)
    }
    let want = try reader.object(section["want"], "exchange.want") ?? [:]
    try reader.section(want, "exchange.want.", ["enabled", "bases", "domains", "licenses", "authors", "refusedAuthors", "maximumBytes", "minimumLift"])
    if let value = want["enabled"] { self.want.isEnabled = try reader.flag(value, "exchange.want.enabled") }
    self.want.bases = try Self.digests(want, "bases", reader)
    self.want.authors = try Self.digests(want, "authors", reader)
    self.want.refusedAuthors = try Self.digests(want, "refusedAuthors", reader)
    self.want.domains = try reader.strings(want["domains"], "exchange.want.domains").map { DomainPattern($0) }
    self.want.licenses = Set(try reader.strings(want["licenses"], "exchange.want.licenses"))
    self.want.minimumLift = try Self.number(want, "want", "minimumLift", reader)
    if let value = want["maximumBytes"] {
      guard let bytes = value as? Int, (1...1 << 40).contains(bytes) else { throw reader.error("exchange.want.maximumBytes", "must be a whole number from 1 to \(1 << 40)") }
      self.want.maximumBytes = bytes
    }
    let chosen = try reader.object(section["limits"], "exchange.limits") ?? [:]
    try reader.section(chosen, "exchange.limits.", ExchangeLimit.allCases.map(\.rawValue))
    for (name, value) in chosen {
      guard let limit = ExchangeLimit(rawValue: name), let number = value as? Int, (1...1 << 50).contains(number) else {
        throw reader.error("exchange.limits.\(name)", "must be a whole number from 1 to \(1 << 50)")
      }
      self[limit] = number
    }
  }

  private static func number(_ section: [String: Any], _ part: String, _ key: String, _ reader: NodeConfiguration.Reader) throws(MergeError) -> Double? {
    guard let value = section[key] else { return nil }
    guard let number = value as? Double, number.isFinite else { throw reader.error("exchange.\(part).\(key)", "must be a number") }
    return number
  }

  private static func digests(_ section: [String: Any], _ key: String, _ reader: NodeConfiguration.Reader) throws(MergeError) -> Set<String> {
    let texts = try reader.strings(section[key], "exchange.want.\(key)").map { $0.lowercased() }
    guard texts.allSatisfy({ NodeKey(hexadecimal: $0) != nil }) else { throw reader.error("exchange.want.\(key)", "must be a list of 64 hexadecimal digits each") }
    return Set(texts)
  }
}
