/// `scheme://host:port/path`, with an IPv6 host in brackets.
public struct TransportAddress: Hashable, Sendable, CustomStringConvertible {
  public var scheme: String
  /// A name, an IPv4 address, or an IPv6 address without its brackets.
  public var host: String
  /// 0: to be chosen.
  public var port: Int
  /// What follows the port, without the first slash.
  public var path: String

  public init(scheme: String, host: String, port: Int, path: String = "") { (self.scheme, self.host, self.port, self.path) = (scheme, host, port, path) }

  /// - Parameters:
  ///   - scheme: what the address must begin with.
  ///   - defaultPort: nil: the port must be there.
  /// - Throws: `.invalid`.
  public init(_ text: String, scheme: String, defaultPort: Int? = nil) throws(TransportSupportError) {
    func wrong(_ why: String) -> TransportSupportError { TransportSupportError(.invalid, "\"\(text.prefix(200))\" is no address such as \(scheme)://host:port: \(why)") }
    guard text.utf8.count <= 512 else { throw wrong("it has \(text.utf8.count) bytes, the limit is 512") }
    guard text.hasPrefix("\(scheme)://") else { throw wrong("it does not begin with \(scheme)://") }
    let rest = text.dropFirst(scheme.utf8.count + 3)
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    let authority = rest[..<slash]
    let path = slash == rest.endIndex ? "" : String(rest[rest.index(after: slash)...])
    let host: Substring, portText: Substring?
    if authority.hasPrefix("[") {
      guard let close = authority.firstIndex(of: "]") else { throw wrong("the bracket is not closed") }
      host = authority[authority.index(after: authority.startIndex)..<close]
      let after = authority[authority.index(after: close)...]
      guard after.isEmpty || after.hasPrefix(":") else { throw wrong("only a port may follow the bracket") }
      portText = after.isEmpty ? nil : after.dropFirst()
      guard !host.isEmpty, host.utf8.allSatisfy({ Self.isAddressByte($0) }) else { throw wrong("the host in brackets is no IPv6 address") }
    } else {
      let parts = authority.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count <= 2 else { throw wrong("an IPv6 address stands in brackets") }
      (host, portText) = (parts[0], parts.count == 2 ? parts[1] : nil)
      guard !host.isEmpty, host.utf8.allSatisfy({ Self.isNameByte($0) }) else { throw wrong("the host is missing or holds a character that no host has") }
    }
    let port: Int
    if let portText {
      guard let number = Int(portText), (0...65_535).contains(number), portText.utf8.allSatisfy({ (48...57).contains($0) }) else { throw wrong("the port is none from 0 to 65535") }
      port = number
    } else if let defaultPort {
      port = defaultPort
    } else {
      throw wrong("the port is missing")
    }
    self.init(scheme: scheme, host: String(host), port: port, path: path)
  }

  public var isIPv6: Bool { host.contains(":") }
  public var authority: String { "\(isIPv6 ? "[\(host)]" : host):\(port)" }
  public var description: String { "\(scheme)://\(authority)\(path.isEmpty ? "" : "/" + path)" }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
    default: false
    }
  }

  private static func isAddressByte(_ byte: UInt8) -> Bool { isNameByte(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "%") }
}
