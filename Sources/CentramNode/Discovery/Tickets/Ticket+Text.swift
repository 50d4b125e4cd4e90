internal import CSodium
internal import CentramWire

/// The text: `centramticket1`, then base32 of
///
/// | bytes | |
/// |---|---|
/// | 2 | how many bytes the id and the fields have, big-endian |
/// | 32 | the id |
/// | n | fields: a byte that says which, a byte of length, so many bytes |
/// | 4 | the beginning of SHA-256 over `"centram/1/ticket\0"` and everything before |
extension Ticket: LosslessStringConvertible {
  static let prefix = "centramticket"
  static let version = "1"
  /// Longer text is not looked at.
  public static let maximumTextLength = 4096
  private enum Field { static let address: UInt8 = 1, relay: UInt8 = 2 }

  public var description: String {
    var fields: [UInt8] = []
    func add(_ field: UInt8, _ value: [UInt8]) { fields += [field, UInt8(value.count)] + value }
    for address in addresses { add(Field.address, Array(address.description.utf8)) }
    if let relay { add(Field.relay, relay.id.bytes + Array(relay.address.description.utf8)) }
    return Self.text(id: id, fields: fields)
  }

  /// The text around fields that are already encoded.
  static func text(id: NodeKey, fields: [UInt8]) -> String {
    let count = 32 + fields.count
    var bytes = [UInt8(count >> 8), UInt8(count & 0xFF)] + id.bytes + fields
    bytes += checksum(bytes)
    return prefix + version + Base32.encode(bytes)
  }

  public init?(_ description: String) {
    guard let ticket = try? Ticket(text: description) else { return nil }
    self = ticket
  }

  /// Reads what a person pasted: case, blanks and line ends do not matter.
  /// - Throws: an error for each kind of damage.
  public init(text: String) throws(DiscoveryError) {
    guard text.utf8.count <= Self.maximumTextLength else {
      throw DiscoveryError(.ticketTooLong, "\(text.utf8.count) bytes of text; a ticket has at most \(Self.maximumTextLength)")
    }
    let bytes = try Self.bytes(of: text)
    guard bytes.count >= 2 + 32 + 4 else { throw DiscoveryError(.ticketTruncated, "the ticket ends after \(bytes.count) bytes; copy it to its end") }
    let declared = Int(bytes[0]) << 8 | Int(bytes[1])
    let whole = 2 + declared + 4
    guard bytes.count >= whole else { throw DiscoveryError(.ticketTruncated, "the ticket ends after \(bytes.count) of \(whole) bytes; copy it to its end") }
    guard bytes.count == whole else { throw DiscoveryError(.ticketTooLong, "\(bytes.count - whole) bytes follow the ticket's end; copy the ticket alone") }
    guard declared >= 32, Self.checksum(Array(bytes[..<(2 + declared)])) == Array(bytes[(2 + declared)...]) else {
      throw DiscoveryError(.ticketChecksum, "the ticket's checksum does not fit: a character was changed; copy it again")
    }
    try self.init(fields: bytes[34..<(2 + declared)], id: Array(bytes[2..<34]))
  }

  private static func bytes(of text: String) throws(DiscoveryError) -> [UInt8] {
    let letters = text.utf8.filter { $0 > 32 }
    let start = prefix.utf8.count
    guard letters.count > start, letters[..<start].elementsEqual(prefix.utf8, by: { $0 | 0x20 == $1 }) else {
      throw DiscoveryError(.notATicket, "'\(PeerAddress.shown(String(text.prefix(24))))' is no ticket: one begins with \(prefix)\(version)")
    }
    guard letters[start] == version.utf8.first else {
      throw DiscoveryError(.ticketVersion, "a ticket of another version; this is a program for version \(version)")
    }
    var values: [UInt8] = []
    for (index, letter) in letters[(start + 1)...].enumerated() {
      guard let value = Base32.value(letter) else {
        throw DiscoveryError(.ticketCharacter, "character \(start + 2 + index) is none of a ticket's: letters and the digits 2 to 7")
      }
      values.append(value)
    }
    guard let bytes = Base32.decode(values) else {
      throw DiscoveryError(.ticketTruncated, "the ticket does not end where a byte does: a character is missing or too many; copy it again")
    }
    return bytes
  }

  private init(fields: ArraySlice<UInt8>, id: [UInt8]) throws(DiscoveryError) {
    var rest = fields, addresses: [PeerAddress] = [], relay: Relay?
    while !rest.isEmpty {
      guard rest.count >= 2, rest.count >= 2 + Int(rest[rest.startIndex + 1]) else {
        throw DiscoveryError(.ticketContent, "a field of the ticket is longer than the ticket")
      }
      let field = rest[rest.startIndex], value = Array(rest.dropFirst(2).prefix(Int(rest[rest.startIndex + 1])))
      rest = rest.dropFirst(2 + value.count)
      switch field {
      case Field.address: addresses.append(try Self.address(value))
      case Field.relay:
        guard relay == nil, value.count > 32, let key = NodeKey(Array(value[..<32])) else { throw DiscoveryError(.ticketContent, "the ticket's relay is malformed or the second") }
        relay = Relay(id: key, address: try Self.address(Array(value[32...])))
      default: continue  // Of a later writer of this version; what is known still counts.
      }
    }
    guard let key = NodeKey(id) else { throw DiscoveryError(.ticketContent, "the ticket holds no id") }
    try self.init(id: key, addresses: addresses, relay: relay)
  }

  private static func address(_ bytes: [UInt8]) throws(DiscoveryError) -> PeerAddress {
    do throws(DiscoveryError) { return try PeerAddress(String(decoding: bytes, as: UTF8.self)) } catch {
      throw DiscoveryError(.ticketContent, "in the ticket: \(error.message)")
    }
  }

  static func checksum(_ bytes: [UInt8]) -> [UInt8] {
    let input = Array("centram/1/ticket\0".utf8) + bytes
    var hash = [UInt8](repeating: 0, count: 32)
    crypto_hash_sha256(&hash, input, UInt64(input.count))
    return Array(hash[..<4])
  }
}
