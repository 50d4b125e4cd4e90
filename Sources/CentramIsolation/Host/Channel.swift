internal import CSandbox
internal import CentramPluginAPI

/// Why a call gave nothing.
enum CallFailure: Error {
  /// The plugin, or the host's own part of the call, said so.
  case plugin(PluginError)
  /// The process is lost.
  case lost(ChannelError)
}

/// The host's end of one line of calls: at most one call at a time is under way on it, and what the plugin asks back during the call is
/// answered by the thread that waits.
final class Channel: @unchecked Sendable {  // one call at a time
  /// What a plugin may ask back in one call.
  static let callbackLimit = 10_000_000

  let socket: PacketSocket
  /// Of the last block that went through here: the next one mostly lies in the same memory.
  var memory: SharedMemory?
  /// Where blocks are copied that lie elsewhere.
  var room: SharedRoom?
  /// Where outputs cross that the plugin's process encodes.
  var part: PartRoom?

  init(_ socket: PacketSocket) { self.socket = socket }

  /// - Parameters:
  ///   - limit: nanoseconds that the plugin may work, in all; the time in `serve` does not count.
  ///   - serve: answers what the plugin asks.
  func call(
    _ operation: Operation, instance: UInt32 = 0, id: UInt64, _ payload: [UInt8], limit: UInt64,
    serve: (Message) throws(CallFailure) -> [UInt8] = { (message) throws(CallFailure) in throw .lost(.broken("\(message.operation) was asked for where nothing may be")) }
  ) throws(CallFailure) -> [UInt8] {
    guard payload.count <= Message.limit(operation) else {
      throw .plugin(PluginError(.limitExceeded, "a call of \(payload.count) bytes; the limit is \(Message.limit(operation))"))
    }
    var left = limit, began = centram_monotonic(), callbacks = 0
    try lost { () throws(ChannelError) in
      try socket.send(Message(operation: operation, id: id, instance: instance, payload: payload), deadline: began + left)
    }
    while true {
      let message = try lost { () throws(ChannelError) in try socket.receive(limit: Message.limit(operation), deadline: began + left) }
      guard message.direction == .call else {
        let result = try lost { () throws(ChannelError) in try Self.result(message, of: operation, id) }
        switch result {
        case .success(let payload): return payload
        case .failure(let error): throw .plugin(error)
        }
      }
      let now = centram_monotonic()
      left -= min(left, now - began)
      callbacks += 1
      guard callbacks <= Self.callbackLimit else { throw .lost(.broken("more than \(Self.callbackLimit) questions in one call")) }
      var answer = Message(operation: message.operation, direction: .reply, id: message.id)
      do throws(CallFailure) {
        answer.payload = try serve(message)
      } catch {
        guard case .plugin(let failure) = error else { throw error }
        var writer = MessageWriter()
        writer.add(failure)
        (answer.direction, answer.payload) = (.failure, writer.bytes)
      }
      began = centram_monotonic()
      let reply = answer
      try lost { () throws(ChannelError) in try socket.send(reply, deadline: began + left) }
    }
  }

  /// What a reply says: a payload, or the plugin's error.
  static func result(_ message: Message, of operation: Operation, _ id: UInt64) throws(ChannelError) -> Result<[UInt8], PluginError> {
    guard message.id == id, message.operation == operation, message.direction != .call else {
      throw .broken("a reply to \(message.operation) \(message.id), awaited was one to \(operation) \(id)")
    }
    guard message.direction == .failure else { return .success(message.payload) }
    var reader = MessageReader(message.payload)
    let error = try reader.error()
    try reader.end()
    return .failure(error)
  }

  private func lost<Value>(_ body: () throws(ChannelError) -> Value) throws(CallFailure) -> Value {
    do throws(ChannelError) { return try body() } catch { throw .lost(error) }
  }
}
