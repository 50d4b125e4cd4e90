extension DiscoverySettings {
  /// - Throws: `.configuration`, naming the key.
  init(_ section: [String: Any], _ reader: NodeConfiguration.Reader) throws(MergeError) {
    try reader.section(section, "discovery.", ["mdns", "beacon", "beaconPort", "exchange", "wantedPeers", "wantedLocalPeers"])
    func number(_ key: String, _ range: ClosedRange<Int>) throws(MergeError) -> Int? {
      guard let value = section[key] else { return nil }
      guard let number = value as? Int, range.contains(number) else {
        throw reader.error("discovery.\(key)", "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
      }
      return number
    }
    if let value = section["mdns"] { mdns = try reader.flag(value, "discovery.mdns") }
    if let value = section["beacon"] { beacon = try reader.flag(value, "discovery.beacon") }
    if let value = section["exchange"] { exchange = try reader.flag(value, "discovery.exchange") }
    if let value = try number("beaconPort", 1...65_535) { beaconPort = UInt16(value) }
    if let value = try number("wantedPeers", 0...1_024) { wantedPeers = value }
    if let value = try number("wantedLocalPeers", 0...1_024) { wantedLocalPeers = value }
  }
}
