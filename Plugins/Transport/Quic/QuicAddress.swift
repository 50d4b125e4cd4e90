import CentramPluginAPI
import Glibc

/// An address and port of a socket, and the text form `quic://127.0.0.1:9741`, `quic://[::1]:9741`.
struct SocketAddress: @unchecked Sendable {
  var storage = sockaddr_storage()
  var length: socklen_t = 0

  var isV6: Bool { Int32(storage.ss_family) == AF_INET6 }

  func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    withUnsafePointer(to: storage) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) } }
  }

  static func any(v6: Bool) -> SocketAddress {
    var result = SocketAddress()
    result.storage.ss_family = sa_family_t(v6 ? AF_INET6 : AF_INET)
    result.length = socklen_t(v6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
    return result
  }

  /// The address without its port.
  private var host: [UInt8] {
    withUnsafeBytes(of: storage) { isV6 ? Array($0[8..<24]) : Array($0[4..<8]) }
  }
  var isAny: Bool { host.allSatisfy { $0 == 0 } }
  var isLoopback: Bool { isV6 ? host == [UInt8](repeating: 0, count: 15) + [1] : host[0] == 127 }

  var description: String {
    var host = [CChar](repeating: 0, count: 64), port = [CChar](repeating: 0, count: 8)
    let flags = NI_NUMERICHOST | NI_NUMERICSERV
    let result = withPointer { getnameinfo($0, $1, &host, 64, &port, 8, flags) }
    guard result == 0 else { return "quic://?" }
    func text(_ characters: [CChar]) -> String { String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) }
    return isV6 ? "quic://[\(text(host))]:\(text(port))" : "quic://\(text(host)):\(text(port))"
  }
}

/// `quic://HOST:PORT` taken apart. An IPv6 address stands in brackets.
struct QuicAddress: Sendable {
  let host: String, port: UInt16, text: String

  init(_ text: String) throws(PluginError) {
    func refuse(_ why: String) -> PluginError { PluginError(.invalid, "\"\(text.prefix(200))\" is no QUIC address, \(why): quic://HOST:PORT is one") }
    guard text.utf8.count <= 300, text.hasPrefix("quic://") else { throw refuse("it does not start with quic://") }
    let rest = text.dropFirst(7)
    guard let colon = rest.lastIndex(of: ":") else { throw refuse("it has no port") }
    let digits = rest[rest.index(after: colon)...]
    guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let port = UInt16(digits) else {
      throw refuse("its port is not a number from 0 to 65535")
    }
    var host = rest[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
      guard host.contains(":") else { throw refuse("what is in brackets is no IPv6 address") }
    } else if host.contains(":") {
      throw refuse("its IPv6 address is not in brackets")
    }
    guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != 47 && $0 != 64 }) else { throw refuse("it has no host") }
    (self.host, self.port, self.text) = (String(host), port, text)
  }

  /// The addresses that the host stands for, in the system's order. A name is looked up on a thread of its own.
  func resolve() async throws(PluginError) -> [SocketAddress] {
    if let literal = lookup(numeric: true) { return literal }
    let found: [SocketAddress]? = await withUnsafeContinuation { continuation in
      let job = Unmanaged.passRetained(Lookup(address: self, continuation: continuation))
      var thread = pthread_t()
      let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
        let job = Unmanaged<Lookup>.fromOpaque($0!).takeRetainedValue()
        job.continuation.resume(returning: job.address.lookup(numeric: false))
        return nil
      }
      if pthread_create(&thread, nil, start, job.toOpaque()) == 0 {
        pthread_detach(thread)
      } else {
        job.takeRetainedValue().continuation.resume(returning: nil)
      }
    }
    guard let found, !found.isEmpty else { throw PluginError(.unavailable, "the name \(host) has no address") }
    return found
  }

  private final class Lookup {
    let address: QuicAddress, continuation: UnsafeContinuation<[SocketAddress]?, Never>
    init(address: QuicAddress, continuation: UnsafeContinuation<[SocketAddress]?, Never>) { (self.address, self.continuation) = (address, continuation) }
  }

  private func lookup(numeric: Bool) -> [SocketAddress]? {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    hints.ai_flags = AI_NUMERICSERV | (numeric ? AI_NUMERICHOST : 0)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, String(port), &hints, &list) == 0 else { return nil }
    defer { freeaddrinfo(list) }
    var result: [SocketAddress] = []
    var at = list
    while let entry = at {
      if let address = entry.pointee.ai_addr, [AF_INET, AF_INET6].contains(entry.pointee.ai_family) {
        var one = SocketAddress()
        one.length = entry.pointee.ai_addrlen
        withUnsafeMutableBytes(of: &one.storage) { $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(one.length))) }
        result.append(one)
      }
      at = entry.pointee.ai_next
    }
    return result.isEmpty ? nil : result
  }
}
