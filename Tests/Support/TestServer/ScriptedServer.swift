internal import Foundation
internal import Synchronization

/// An HTTP server on loopback that does what a test says, faults included. Its port is the system's choice.
public final class ScriptedServer: @unchecked Sendable {
  public struct Request: Sendable {
    public let path: String
    /// By lower-case name.
    public let headers: [String: String]
    /// Where the client wants to go on.
    public var offset: Int { headers["range"].flatMap { Int($0.dropFirst("bytes=".count).dropLast()) } ?? 0 }
  }

  public struct Response: Sendable {
    public var status: Int
    public var headers: [String: String]
    public var body: [UInt8]
    /// Closes after so many bytes of the body, though more were announced.
    public var cutAfter: Int?

    public init(status: Int = 200, headers: [String: String] = [:], body: [UInt8] = [], cutAfter: Int? = nil) {
      (self.status, self.headers, self.body, self.cutAfter) = (status, headers, body, cutAfter)
    }

    public static func text(_ text: String) -> Response { Response(body: Array(text.utf8)) }
    public static let missing = Response(status: 404, body: Array("no".utf8))
    public static func redirect(_ location: String) -> Response { Response(status: 302, headers: ["Location": location]) }

    /// A file as servers give it: from the offset that was asked for.
    public static func file(_ bytes: [UInt8], _ request: Request, cutAfter: Int? = nil) -> Response {
      let offset = request.offset
      guard offset > 0 else { return Response(body: bytes, cutAfter: cutAfter) }
      guard offset < bytes.count else { return Response(status: 416) }
      return Response(status: 206, headers: ["Content-Range": "bytes \(offset)-\(bytes.count - 1)/\(bytes.count)"], body: Array(bytes[offset...]), cutAfter: cutAfter)
    }
  }

  private let listening: ListeningSocket
  public let port: Int
  public var address: String { "http://127.0.0.1:\(port)" }
  private let log = Mutex<[Request]>([])
  public var requests: [Request] { log.withLock { $0 } }

  public init(_ answer: @escaping @Sendable (Request) -> Response) throws {
    let descriptor = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    let listening = ListeningSocket(descriptor)
    self.listening = listening
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0 && getsockname(descriptor, $0, &length) == 0 }
    }
    guard isBound else {
      listening.close()
      throw POSIXError(.EADDRNOTAVAIL)
    }
    port = Int(UInt16(bigEndian: address.sin_port))
    Thread.detachNewThread { [weak self] in
      // Nobody else closes it, so that the number that is accepted from is this server's to the end.
      defer { listening.close() }
      while true {
        let client = accept(descriptor, nil, nil)
        if client < 0, errno == EINTR || errno == ECONNABORTED { continue }
        guard client >= 0 else { return }
        guard let self else {
          close(client)
          return
        }
        Thread.detachNewThread { self.serve(client, answer) }
      }
    }
  }

  deinit { listening.wake() }

  private func serve(_ client: Int32, _ answer: @Sendable (Request) -> Response) {
    defer { close(client) }
    var head: [UInt8] = []
    var byte: UInt8 = 0
    while !head.suffix(4).elementsEqual([13, 10, 13, 10]) {
      guard head.count < 65536, read(client, &byte, 1) == 1 else { return }
      head.append(byte)
    }
    let lines = String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n")
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    let request = Request(path: lines[0].components(separatedBy: " ")[1], headers: headers)
    log.withLock { $0.append(request) }
    let response = answer(request)
    var text = "HTTP/1.1 \(response.status) X\r\nContent-Length: \(response.body.count)\r\nConnection: close\r\n"
    for (name, value) in response.headers { text += "\(name): \(value)\r\n" }
    send(client, Array((text + "\r\n").utf8))
    send(client, Array(response.body.prefix(response.cutAfter ?? .max)))
  }

  private func send(_ client: Int32, _ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }
}

/// A descriptor that one thread accepts from and closes, and that others wake that thread by.
private final class ListeningSocket: Sendable {
  private let descriptor: Mutex<Int32?>
  init(_ descriptor: Int32) { self.descriptor = Mutex(descriptor) }

  func wake() { descriptor.withLock { if let open = $0 { _ = shutdown(open, Int32(SHUT_RDWR)) } } }

  func close() {
    descriptor.withLock {
      if let open = $0 { _ = Foundation.close(open) }
      $0 = nil
    }
  }
}
