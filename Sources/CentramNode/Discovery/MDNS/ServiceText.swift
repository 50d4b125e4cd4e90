public import CentramWire

/// What a node's TXT record says: `v=1`, `id=` its key in hexadecimal, `t=` its transports, each with its port where that is not the SRV record's.
public struct ServiceText: Hashable, Sendable {
  public static let maximumTransports = 8

  public var id: NodeKey
  /// Scheme and port; nil: the SRV record's.
  public var transports: [Listener]

  public struct Listener: Hashable, Sendable {
    public var scheme: String
    public var port: UInt16?
    public init(scheme: String, port: UInt16? = nil) { (self.scheme, self.port) = (scheme, port) }
  }

  public init(id: NodeKey, transports: [Listener]) { (self.id, self.transports) = (id, transports) }

  /// Nil where the strings are not those of a node of this version. Unknown keys and what repeats a key are passed over (RFC 6763, section 6.4).
  init?(_ strings: [[UInt8]]) {
    var values: [String: [UInt8]] = [:]
    for string in strings.prefix(32) {
      guard let equals = string.firstIndex(of: 0x3D) else { continue }
      let key = String(decoding: string[..<equals], as: UTF8.self).lowercased()
      if values[key] == nil { values[key] = Array(string[(equals + 1)...]) }
    }
    guard values["v"] == Array("1".utf8), let id = values["id"].flatMap({ Hexadecimal.bytes($0) }).flatMap({ NodeKey($0) }), id != .anyone else { return nil }
    self.id = id
    transports = []
    for entry in String(decoding: values["t"] ?? [], as: UTF8.self).split(separator: ",").prefix(Self.maximumTransports) {
      let parts = entry.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count <= 2, (1...16).contains(parts[0].utf8.count), parts[0].utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 0x2D }) else {
        continue
      }
      if parts.count == 1 {
        transports.append(Listener(scheme: String(parts[0])))
      } else if let port = UInt16(parts[1]), port > 0 {
        transports.append(Listener(scheme: String(parts[0]), port: port))
      }
    }
  }

  var strings: [[UInt8]] {
    let list = transports.map { listener in listener.port.map { "\(listener.scheme):\($0)" } ?? listener.scheme }.joined(separator: ",")
    return ["v=1", "id=\(Hexadecimal.text(id.bytes))", "t=\(list)"].map { Array($0.utf8) }
  }
}
