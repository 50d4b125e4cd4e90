extension DiscoverySettings {
  /// - Throws: `.configuration`, naming the key.
  init(_ section: [String: Any], _ reader: NodeConfiguration.Reader) throws(MergeError) {
    try reader.section(section, "discovery.", ["mdns", "beacon", "beaconPort", "exchange", "wantedPeers", "wantedLocalPeers", "topics"])
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
    for topic in try reader.strings(section["topics"], "discovery.topics") {
      do throws(SessionError) { try join(topic) } catch { throw reader.error("discovery.topics", error.message) }
    }
  }

  static let mostTopics = 8, longestTopic = 64

  /// Joins one more topic.
  /// - Throws: `.configuration`.
  public mutating func join(_ topic: String) throws(SessionError) {
    guard (1...Self.longestTopic).contains(topic.utf8.count) else {
      throw SessionError(.configuration, "'\(PeerAddress.shown(topic))': a topic's name has 1 to \(Self.longestTopic) bytes, and this one has \(topic.utf8.count)")
    }
    guard !topics.contains(topic) else { return }
    guard topics.count < Self.mostTopics else { throw SessionError(.configuration, "\(topics.count + 1) topics; a node joins at most \(Self.mostTopics)") }
    topics.append(topic)
  }
}
