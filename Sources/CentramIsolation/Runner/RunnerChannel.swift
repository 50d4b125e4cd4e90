internal import CentramPluginAPI
internal import Foundation
internal import Glibc
internal import Synchronization

/// The plugin's end of one line of calls, with a thread of its own.
final class RunnerChannel: Sendable {
  private let line: Mutex<(socket: PacketSocket, next: UInt64)>
  private let socket: PacketSocket
  let state: RunnerState
  /// The stripe of a pass of which a part failed here last: nothing more of it is worked on.
  let failedPart = Mutex<(run: UInt32, stripe: Int)?>(nil)

  init(_ socket: PacketSocket, _ state: RunnerState) {
    (self.socket, self.state) = (socket, state)
    line = Mutex((socket, 1))
  }

  func start() {
    let thread = Thread { [self] in
      do throws(ChannelError) {
        while true {
          let message = try socket.receive(limit: Message.bulkLimit)
          try socket.send(reply(to: message))
        }
      } catch { return }
    }
    (thread.name, thread.stackSize) = ("channel", 8 << 20)
    thread.start()
  }

  private func reply(to message: Message) -> Message {
    var answer = Message(operation: message.operation, direction: .reply, id: message.id)
    do throws(PluginError) {
      answer.payload = try perform(message)
    } catch {
      var writer = MessageWriter()
      writer.add(error.code.rawValue == 0 ? PluginError(.internalFailure, error.message) : error)
      (answer.direction, answer.payload) = (.failure, writer.bytes)
    }
    if answer.payload.count > Message.limit(message.operation) {
      var writer = MessageWriter()
      writer.add(PluginError(.limitExceeded, "an answer of \(answer.payload.count) bytes; the limit is \(Message.limit(message.operation))"))
      (answer.direction, answer.payload) = (.failure, writer.bytes)
    }
    return answer
  }

  private func perform(_ message: Message) throws(PluginError) -> [UInt8] {
    var reader = MessageReader(message.payload), writer = MessageWriter()
    switch message.operation {
    case .ping: break
    case .create:
      let (gone, configuration) = try PluginRunner.known { () throws(ChannelError) in
        (try reader.elements(elementSize: 4) { (it) throws(ChannelError) in try it.number(UInt32.self) }, try reader.text(limit: Message.sizeLimit))
      }
      state.release(gone)
      try state.create(configuration, &writer)
    case .blocks: try blocks(&reader)
    case .part: try part(&reader, &writer)
    case .merge:
      guard case .merge(let instance) = try state.instance(message.instance), let merging = instance as? any TensorMerging else { throw wrong(message) }
      try merge(merging, message.id, &reader)
    case .adapters:
      guard case .merge(let instance) = try state.instance(message.instance), let merging = instance as? any AdapterMerging else { throw wrong(message) }
      try mergeAdapters(merging, &reader)
    case .extract:
      guard case .merge(let instance) = try state.instance(message.instance), let extracting = instance as? any AdapterExtracting else { throw wrong(message) }
      writer.add(try extract(extracting, &reader))
    case .judge:
      guard case .gate(let layer) = try state.instance(message.instance) else { throw wrong(message) }
      writer.add(try judge(layer, &reader))
    case .postings:
      guard case .economy(let rule) = try state.instance(message.instance) else { throw wrong(message) }
      let event = try PluginRunner.known { () throws(ChannelError) in try reader.economyEvent() }
      writer.add(try rule.postings(for: event, in: RemoteLedger(channel: self)))
    case .train:
      guard case .trainer(let trainer) = try state.instance(message.instance) else { throw wrong(message) }
      try train(trainer, message.id, &reader, &writer)
    default: throw wrong(message)
    }
    return writer.bytes
  }

  private func wrong(_ message: Message) -> PluginError {
    PluginError(.invalid, "instance \(message.instance) has no \(message.operation)")
  }

  /// Asks the host during a call, from any of the plugin's threads. A host that is gone ends this process.
  func ask<Value>(_ operation: Operation, _ payload: [UInt8] = [], _ read: (inout MessageReader) throws(ChannelError) -> Value) throws(PluginError) -> Value {
    guard payload.count <= Message.limit(operation) else {
      throw PluginError(.limitExceeded, "\(payload.count) bytes for the host in one piece; the limit is \(Message.limit(operation))")
    }
    let answer = line.withLock { line -> Result<[UInt8], PluginError> in
      defer { line.next += 1 }
      do throws(ChannelError) {
        try line.socket.send(Message(operation: operation, id: line.next, payload: payload))
        return try Channel.result(line.socket.receive(limit: Message.limit(operation)), of: operation, line.next)
      } catch { _exit(0) }
    }
    var reader = MessageReader(try answer.get())
    do throws(ChannelError) { return try read(&reader) } catch { _exit(71) }
  }
}
