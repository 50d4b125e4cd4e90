internal import Foundation

/// Where a transport may reach a peer: `quic://192.0.2.7:9741`, `tcp://[2001:db8::1]:9741`, `memory://name`.
/// A hint and no more: who answers is proved by the handshake.
public struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
  public static let maximumLength = 255

  /// The transport's scheme, in lower case.
  public let scheme: String
  /// A name, or an address in numbers without brackets.
  public let host: String
  /// 0 where the address has none.
  public let port: UInt16
  /// From the first `/`, or empty.
  public let path: String

  /// - Throws: `.address`, with what is wrong.
  public init(_ text: String) throws(DiscoveryError) {
    func wrong(_ why: String) -> DiscoveryError { DiscoveryError(.address, "\(Self.shown(text)): \(why); an address looks like quic://192.0.2.7:9741") }
    guard text.utf8.count <= Self.maximumLength else { throw wrong("\(text.utf8.count) bytes, \(Self.maximumLength) is the limit") }
    guard text.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else { throw wrong("only visible ASCII characters are allowed") }
    guard let separator = text.range(of: "://") else { throw wrong("the transport is missing") }
    let scheme = text[..<separator.lowerBound].lowercased()
    guard (1...16).contains(scheme.utf8.count), scheme.first!.isLetter, scheme.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "-" }) else {
      throw wrong("'\(scheme)' is no name of a transport")
    }
    var rest = text[separator.upperBound...]
    var path = ""
    if let slash = rest.firstIndex(of: "/") { (path, rest) = (String(rest[slash...]), rest[..<slash]) }
    var host = String(rest), portText: Substring?
    if rest.first == "[" {
      guard let end = rest.firstIndex(of: "]") else { throw wrong("']' is missing") }
      host = String(rest[rest.index(after: rest.startIndex)..<end])
      let tail = rest[rest.index(after: end)...]
      guard tail.isEmpty || tail.first == ":" else { throw wrong("only a port may follow ']'") }
      if !tail.isEmpty { portText = tail.dropFirst() }
      guard let address = IPAddress(host), !address.isIPv4 || host.contains(":") else { throw wrong("'\(host)' is no IPv6 address") }
      host = address.description
    } else if let colon = rest.firstIndex(of: ":") {
      (host, portText) = (String(rest[..<colon]), rest[rest.index(after: colon)...])
    }
    var port: UInt16 = 0
    if let portText {
      guard let number = UInt16(portText), number > 0, String(number) == portText else { throw wrong("'\(portText)' is no port from 1 to 65535") }
      port = number
    }
    try self.init(scheme: scheme, host: host, port: port, path: path)
  }

  /// - Throws: `.address`.
  public init(scheme: String, host: String, port: UInt16, path: String = "") throws(DiscoveryError) {
    if IPAddress(host) == nil {
      guard (1...253).contains(host.utf8.count), !host.contains(".."), host.first != "-",
        host.utf8.allSatisfy({ ($0 >= 97 && $0 <= 122) || ($0 >= 65 && $0 <= 90) || ($0 >= 48 && $0 <= 57) || $0 == 45 || $0 == 46 || $0 == 95 })
      else { throw DiscoveryError(.address, "'\(Self.shown(host))' is neither an address in numbers nor a host's name") }
    }
    (self.scheme, self.host, self.port, self.path) = (scheme, host, port, path)
  }

  public init(scheme: String, address: IPAddress, port: UInt16) {
    (self.scheme, host, self.port, path) = (scheme, address.description, port, "")
  }

  public var description: String { "\(scheme)://\(host.contains(":") ? "[\(host)]" : host)\(port == 0 ? "" : ":\(port)")\(path)" }

  /// Nil where the host is a name.
  public var ip: IPAddress? { IPAddress(host) }

  /// What limits are counted by: the network, or the host's name.
  public var prefix: NetworkPrefix { ip.map(NetworkPrefix.init) ?? NetworkPrefix(raw: Array(host.lowercased().utf8)) }

  /// Text from strangers, short enough and clean enough for a message.
  static func shown(_ text: String) -> String {
    let clean = String(String.UnicodeScalarView(text.unicodeScalars.prefix(80).map { $0.value < 32 || $0.value == 127 ? "?" : $0 }))
    return text.unicodeScalars.count > 80 ? clean + "…" : clean
  }
}
