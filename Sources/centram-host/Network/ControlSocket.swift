internal import CentramNode
internal import Foundation

/// The Unix socket in a node's folder, by which commands ask the node that runs there. One line in, an answer out, and the end. Only the folder's owner
/// gets in.
final class ControlServer: Sendable {
  typealias Answer = @Sendable (String) async -> Data?
  private let listener: Int32, lock: Int32
  private let path: String

  /// - Throws: `.configuration` where a node runs in the folder already, `.transport` where the socket cannot be made.
  init(folder: String) throws(SessionError) {
    path = folder + "/node.sock"
    lock = open(folder + "/node.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      if lock >= 0 { Foundation.close(lock) }
      throw SessionError(.configuration, "\(folder): a node runs here already; stop it first, or give this one another HOME")
    }
    // Who holds the lock is alone, so what is left of a node that was killed can go.
    unlink(path)
    listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    let before = umask(0o077)
    let isBound = ControlAddress.with(folder) { bind(listener, $0, $1) } == 0
    umask(before)
    guard isBound, listen(listener, 8) == 0 else {
      let reason = String(cString: strerror(errno))
      Foundation.close(listener)
      Foundation.close(lock)
      throw SessionError(.transport, "\(path): \(reason)")
    }
  }

  /// Answers until `close`, on a thread of its own.
  func serve(_ answer: @escaping Answer) {
    Thread.detachNewThread { [listener] in
      while true {
        let client = accept(listener, nil, nil)
        if client < 0 {
          if errno == EINTR || errno == ECONNABORTED { continue }
          return
        }
        _ = fcntl(client, F_SETFD, FD_CLOEXEC)
        var patience = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var line = [UInt8](repeating: 0, count: 256)
        let count = max(0, read(client, &line, line.count))
        let request = String(decoding: line[..<count].prefix { $0 != 10 }, as: UTF8.self)
        let data = Blocking.run { await answer(request) } ?? Data("{\"error\":\"not known\"}".utf8)
        Descriptor.write(data, to: client)
        Foundation.close(client)
      }
    }
  }

  func close() {
    shutdown(listener, Int32(SHUT_RDWR))
    unlink(path)
    Foundation.close(listener)
    Foundation.close(lock)
  }
}

enum ControlClient {
  /// Asks the node that runs in a folder.
  /// - Throws: `.disconnected` where none does.
  static func ask(_ request: String, folder: String) throws(SessionError) -> Data {
    let connection = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    defer { close(connection) }
    guard ControlAddress.with(folder, { connect(connection, $0, $1) }) == 0 else {
      throw SessionError(.disconnected, "no node runs in \(folder); start one with centram-host serve")
    }
    Descriptor.write(Data((request + "\n").utf8), to: connection)
    var (answer, buffer) = (Data(), [UInt8](repeating: 0, count: 65_536))
    while true {
      let count = read(connection, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return answer }
      answer.append(contentsOf: buffer[..<count])
    }
  }
}

private enum ControlAddress {
  /// Lends the socket's address. A Unix socket's path has at most 107 bytes, and a folder may have more: so the path goes by a descriptor of the folder.
  static func with(_ folder: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return -1 }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array("/proc/self/fd/\(descriptor)/node.sock".utf8)) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
  }
}

private enum Descriptor {
  static func write(_ data: Data, to descriptor: Int32) {
    var bytes = Array(data)[...]
    while !bytes.isEmpty {
      // Who asked may be gone by now, and that is no reason to end.
      let count = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }
}
