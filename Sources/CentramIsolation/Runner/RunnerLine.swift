internal import CentramLanes
internal import CentramPluginAPI
internal import Foundation
internal import Glibc
internal import Synchronization

/// The plugin's end of a line on which calls wait side by side, each in a task of its own.
final class RunnerLine: Sendable {
  enum Object: Sendable {
    case listener(any TransportListener), connection(any TransportConnection), stream(any TransportStream)
  }

  private let socket: PacketSocket
  private let state: RunnerState
  private let writing = Mutex(())
  private let objects = Mutex<(next: UInt64, open: [UInt64: Object])>((1, [:]))

  init(_ socket: PacketSocket, _ state: RunnerState) { (self.socket, self.state) = (socket, state) }

  func start() {
    let thread = Thread { [self] in
      do throws(ChannelError) {
        while true { take(try socket.receive()) }
      } catch { _exit(0) }
    }
    thread.name = "line"
    thread.start()
  }

  private func take(_ message: Message) {
    if message.operation == .release {
      var reader = MessageReader(message.payload)
      guard let handle = try? reader.number(UInt64.self) else { return }
      // Let go outside of the lock: a plugin's own code may run then.
      let gone = objects.withLock { $0.open.removeValue(forKey: handle) }
      withExtendedLifetime(gone) {}
      return
    }
    let task = Task { [self] in
      var answer = Message(operation: message.operation, direction: .reply, id: message.id)
      do throws(PluginError) {
        answer.payload = try await perform(message)
      } catch {
        var writer = MessageWriter()
        writer.add(error.code.rawValue == 0 ? PluginError(.internalFailure, error.message) : error)
        (answer.direction, answer.payload) = (.failure, writer.bytes)
      }
      state.forgetCancel(message.id)
      reply(answer)
    }
    state.onCancel(message.id) { task.cancel() }
  }

  private func reply(_ answer: Message) {
    let sent = writing.withLock { _ in Result { () throws(ChannelError) in try socket.send(answer) } }
    if case .failure = sent { _exit(0) }
  }

  private func keep(_ object: Object) -> UInt64 {
    objects.withLock { objects in
      defer { objects.next += 1 }
      objects.open[objects.next] = object
      return objects.next
    }
  }

  private func object(_ handle: UInt64) throws(PluginError) -> Object {
    guard let object = objects.withLock({ $0.open[handle] }) else { throw PluginError(.invalid, "there is no handle \(handle)") }
    return object
  }

  private func perform(_ message: Message) async throws(PluginError) -> [UInt8] {
    var reader = MessageReader(message.payload), writer = MessageWriter()
    if message.operation == .listen || message.operation == .dial {
      guard case .transport(let transport) = try state.instance(message.instance) else { throw PluginError(.invalid, "instance \(message.instance) is no transport") }
      let address = try PluginRunner.known { () throws(ChannelError) in try reader.text(limit: 1 << 16) }
      guard message.operation == .dial else {
        let listener = try await transport.listen(on: address)
        writer.add(keep(.listener(listener)))
        writer.add(listener.address)
        return writer.bytes
      }
      let expected = try PluginRunner.known { () throws(ChannelError) in try reader.optional { (it) throws(ChannelError) in try it.list(limit: 32) } }
      add(try await transport.dial(address, expecting: expected.flatMap(PeerID.init)), to: &writer)
      return writer.bytes
    }
    let handle = try PluginRunner.known { () throws(ChannelError) in try reader.number(UInt64.self) }
    switch try object(handle) {
    case .listener(let listener): try await perform(message.operation, listener, handle, &writer)
    case .connection(let connection): try await perform(message.operation, connection, &reader, &writer)
    case .stream(let stream): try await perform(message.operation, stream, &reader, &writer)
    }
    return writer.bytes
  }

  private func add(_ connection: any TransportConnection, to writer: inout MessageWriter) {
    writer.add(keep(.connection(connection)))
    writer.add(connection.peer.bytes)
    writer.add(Array(connection.channelBinding.prefix(256)))
    writer.add(connection is any DatagramConnection)
  }

  private func perform(_ operation: Operation, _ listener: any TransportListener, _ handle: UInt64, _ writer: inout MessageWriter) async throws(PluginError) {
    switch operation {
    case .accept: add(try await listener.accept(), to: &writer)
    case .closeListener: await listener.close()
    default: throw PluginError(.invalid, "a listener has no \(operation)")
    }
  }

  private func perform(
    _ operation: Operation, _ connection: any TransportConnection, _ reader: inout MessageReader, _ writer: inout MessageWriter
  ) async throws(PluginError) {
    switch operation {
    case .openStream: writer.add(keep(.stream(try await connection.openStream())))
    case .acceptStream: writer.add(keep(.stream(try await connection.acceptStream())))
    case .closeConnection:
      let (code, reason) = try PluginRunner.known { () throws(ChannelError) in (try reader.number(UInt64.self), try reader.text()) }
      await connection.close(code: code, reason: reason)
    case .sendDatagram, .receiveDatagram:
      guard let datagrams = connection as? any DatagramConnection else { throw PluginError(.unsupported, "this connection carries no datagrams") }
      if operation == .sendDatagram {
        let bytes = try lent(try PluginRunner.known { () throws(ChannelError) in try reader.list() })
        defer { bytes.deallocate() }
        try await datagrams.sendDatagram(UnsafeRawBufferPointer(bytes))
      } else {
        let buffer = try room(&reader)
        defer { buffer.deallocate() }
        let count = try await datagrams.receiveDatagram(into: buffer)
        writer.add(raw: try part(buffer, count))
      }
    default: throw PluginError(.invalid, "a connection has no \(operation)")
    }
  }

  private func perform(
    _ operation: Operation, _ stream: any TransportStream, _ reader: inout MessageReader, _ writer: inout MessageWriter
  ) async throws(PluginError) {
    switch operation {
    case .send:
      let bytes = try lent(try PluginRunner.known { () throws(ChannelError) in try reader.list() })
      defer { bytes.deallocate() }
      try await stream.send(UnsafeRawBufferPointer(bytes))
    case .receive:
      let buffer = try room(&reader)
      defer { buffer.deallocate() }
      let count = try await stream.receive(into: buffer)
      writer.add(raw: try part(buffer, count))
    case .finish: try await stream.finish()
    case .reset: await stream.reset(code: try PluginRunner.known { () throws(ChannelError) in try reader.number(UInt64.self) })
    default: throw PluginError(.invalid, "a stream has no \(operation)")
    }
  }

  private func lent(_ bytes: [UInt8]) throws(PluginError) -> UnsafeMutableRawBufferPointer {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    buffer.copyBytes(from: bytes)
    return buffer
  }

  private func room(_ reader: inout MessageReader) throws(PluginError) -> UnsafeMutableRawBufferPointer {
    let size = try PluginRunner.known { () throws(ChannelError) in try reader.size(limit: 1 << 24) }
    return .allocate(byteCount: size, alignment: 16)
  }

  private func part(_ buffer: UnsafeMutableRawBufferPointer, _ count: Int) throws(PluginError) -> UnsafeRawBufferPointer {
    guard (0...buffer.count).contains(count) else { throw PluginError(.internalFailure, "the plugin says that it wrote \(count) bytes to a buffer of \(buffer.count)") }
    return UnsafeRawBufferPointer(rebasing: buffer[..<count])
  }
}
