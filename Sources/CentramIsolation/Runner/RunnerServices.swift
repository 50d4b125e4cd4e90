internal import CentramPluginAPI
internal import Glibc
internal import Synchronization

/// The host's services as a plugin in a process of its own sees them: each answer comes from the host.
final class RunnerServices: HostServices {
  private let line: Mutex<(socket: PacketSocket, next: UInt64)>
  private let ids = Mutex<Set<String>>([])

  init(_ socket: PacketSocket) { line = Mutex((socket, 1)) }

  /// The services that the host has for this plugin.
  var offered: Set<String> {
    get { ids.withLock { $0 } }
    set { ids.withLock { $0 = newValue } }
  }

  func service(_ id: String) -> (any Sendable)? {
    guard offered.contains(id) else { return nil }
    switch id {
    case "centram.clock/1": return RemoteClock(services: self)
    case "centram.random/1": return RemoteRandom(services: self)
    case "centram.identity/1": return RemoteIdentity(services: self)
    default: return nil
    }
  }

  func log(_ level: LogLevel, _ message: String) {
    var writer = MessageWriter()
    writer.add(level.rawValue)
    writer.add(String(decoding: message.utf8.prefix(4000), as: UTF8.self))
    line.withLock { line in
      _ = try? line.socket.send(Message(operation: .log, id: 0, payload: writer.bytes))
    }
  }

  /// Asks the host. A host that is gone ends this process.
  func ask<Value>(_ operation: Operation, _ payload: [UInt8] = [], _ read: (inout MessageReader) throws(ChannelError) -> Value) throws(PluginError) -> Value {
    let answer = line.withLock { line -> Result<[UInt8], PluginError> in
      defer { line.next += 1 }
      do throws(ChannelError) {
        try line.socket.send(Message(operation: operation, id: line.next, payload: payload))
        return try Channel.result(line.socket.receive(), of: operation, line.next)
      } catch { _exit(0) }
    }
    var reader = MessageReader(try answer.get())
    do throws(ChannelError) { return try read(&reader) } catch { _exit(71) }
  }
}

private struct RemoteClock: ClockService {
  let services: RunnerServices
  var unixMilliseconds: Int64 { (try? services.ask(.unixMilliseconds) { (it) throws(ChannelError) in try it.number() }) ?? 0 }
  var monotonicNanoseconds: UInt64 { (try? services.ask(.monotonicNanoseconds) { (it) throws(ChannelError) in try it.number() }) ?? 0 }
}

private struct RemoteRandom: RandomService {
  let services: RunnerServices

  func fill(_ bytes: UnsafeMutableRawBufferPointer) {
    var rest = bytes
    while !rest.isEmpty {
      let count = min(rest.count, 1 << 20)
      var writer = MessageWriter()
      writer.add(UInt64(count))
      let drawn = (try? services.ask(.random, writer.bytes) { (it) throws(ChannelError) in try it.list() }) ?? []
      // Bytes that are not random are worse than none.
      guard drawn.count == count else { _exit(71) }
      rest.copyBytes(from: drawn)
      rest = UnsafeMutableRawBufferPointer(rebasing: rest[count...])
    }
  }
}

private struct RemoteIdentity: IdentityService {
  let services: RunnerServices
  var publicKey: [UInt8] { (try? services.ask(.publicKey) { (it) throws(ChannelError) in try it.list() }) ?? [] }

  func sign(_ message: [UInt8]) throws(PluginError) -> [UInt8] {
    var writer = MessageWriter()
    writer.add(message)
    return try services.ask(.sign, writer.bytes) { (it) throws(ChannelError) in try it.list() }
  }

  func exportSeed() throws(PluginError) -> [UInt8] {
    try services.ask(.exportSeed) { (it) throws(ChannelError) in try it.list() }
  }
}
