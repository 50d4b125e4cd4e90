internal import CSandbox
internal import CentramPluginAPI

/// Why a call gave nothing.
enum CallFailure: Error {
  /// The plugin, or the host's own part of the call, said so.
  case plugin(PluginError)
  /// The process is lost.
  case lost(ChannelError)
}

/// The host's end of one line of calls: the process takes one after another, and what the plugin asks back during a call is answered by the
/// thread that waits for it.
final class Channel: @unchecked Sendable {  // one thread at a time
  /// What a plugin may ask back in one call.
  static let callbackLimit = 10_000_000

  let socket: PacketSocket
  /// Of the last block that went through here: the next one mostly lies in the same memory.
  var memory: SharedMemory?
  /// Where blocks are copied that lie elsewhere.
  var room: SharedRoom?
  /// Where outputs cross that the plugin's process encodes; nobody uses these now.
  var parts: [PartRoom] = []

  init(_ socket: PacketSocket) { self.socket = socket }

  /// A call whose answer is not here yet.
  struct Pending {
    fileprivate let operation: Operation, id: UInt64, sentAt: UInt64
  }
  /// When the last answer came.
  private var answeredAt: UInt64 = 0

  /// Begins a call. Where another one is under way, the process takes this one when that is answered; answers come in the order of the calls.
  /// - Parameter limit: nanoseconds that the process may leave it lying.
  func begin(_ operation: Operation, instance: UInt32 = 0, id: UInt64, _ payload: [UInt8], limit: UInt64) throws(CallFailure) -> Pending {
    guard payload.count <= Message.limit(operation) else {
      throw .plugin(PluginError(.limitExceeded, "a call of \(payload.count) bytes; the limit is \(Message.limit(operation))"))
    }
    let now = centram_monotonic()
    try lost { () throws(ChannelError) in
      try socket.send(Message(operation: operation, id: id, instance: instance, payload: payload), deadline: now + limit)
    }
    return Pending(operation: operation, id: id, sentAt: now)
  }

  /// Waits for the answer to the earliest call that has none.
  /// - Parameters:
  ///   - limit: nanoseconds that the plugin may work, in all; neither the time in `serve` nor that of the calls before it counts.
  ///   - serve: answers what the plugin asks.
  func finish(
    _ call: Pending, limit: UInt64,
    serve: (Message) throws(CallFailure) -> [UInt8] = Channel.refuse
  ) throws(CallFailure) -> [UInt8] {
    let (operation, id) = (call.operation, call.id)
    var left = limit, began = max(call.sentAt, answeredAt), callbacks = 0
    defer { answeredAt = centram_monotonic() }
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

  /// A call from its beginning to its answer, for who has no other under way.
  func call(
    _ operation: Operation, instance: UInt32 = 0, id: UInt64, _ payload: [UInt8], limit: UInt64,
    serve: (Message) throws(CallFailure) -> [UInt8] = Channel.refuse
  ) throws(CallFailure) -> [UInt8] {
    try finish(begin(operation, instance: instance, id: id, payload, limit: limit), limit: limit, serve: serve)
  }

  /// For calls during which the plugin may ask nothing.
  static func refuse(_ message: Message) throws(CallFailure) -> [UInt8] { throw .lost(.broken("\(message.operation) was asked for where nothing may be")) }

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
