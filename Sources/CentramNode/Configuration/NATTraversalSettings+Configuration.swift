extension NATTraversal.Settings {
  /// - Throws: `.configuration`, naming the key.
  init(_ section: [String: Any], _ reader: NodeConfiguration.Reader) throws(MergeError) {
    self.init()
    try reader.section(section, "relay.", ["enabled", "use", "dialBack", "punch", "limits"])
    if let value = section["enabled"] { relay.isOpen = try reader.flag(value, "relay.enabled") }
    if let value = section["dialBack"] { helpsOthers = try reader.flag(value, "relay.dialBack") }
    if let value = section["punch"] { punches = try reader.flag(value, "relay.punch") }
    for text in try reader.strings(section["use"], "relay.use") {
      do throws(SessionError) { try use(text) } catch { throw reader.error("relay.use", error.message) }
    }
    let chosen = try reader.object(section["limits"], "relay.limits") ?? [:]
    try reader.section(chosen, "relay.limits.", RelayLimit.allCases.map(\.rawValue))
    for (name, value) in chosen {
      guard let limit = RelayLimit(rawValue: name), let number = value as? Int, (1...1_000_000_000).contains(number) else {
        throw reader.error("relay.limits.\(name)", "must be a whole number from 1 to 1000000000")
      }
      relay[limit] = number
    }
  }

  /// Relays that this node may use at one time: as many as a record names.
  public static let mostRelays = 4

  /// Uses one more relay, given by its ticket or as `ID@address`.
  /// - Throws: `.configuration`.
  public mutating func use(_ text: String) throws(SessionError) {
    let reference = try PeerReference.parse(text)
    guard let id = reference.key, let address = reference.addresses.first.flatMap({ try? PeerAddress($0) }) else {
      throw SessionError(.configuration, "\(text): a relay is named by a ticket with an address, or as ID@quic://host:port")
    }
    guard !relays.contains(where: { $0.id == id }) else { return }
    guard relays.count < Self.mostRelays else {
      throw SessionError(.configuration, "\(relays.count + 1) relays; a node uses at most \(Self.mostRelays)")
    }
    relays.append(Ticket.Relay(id: id, address: address))
  }
}
