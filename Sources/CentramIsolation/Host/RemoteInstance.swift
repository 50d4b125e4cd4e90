internal import CSandbox
internal import CentramPluginAPI
internal import Synchronization

/// An instance in a plugin's process. Where the process was started again, it is made again before the next call.
final class RemoteInstance: Sendable {
  let process: IsolatedProcess
  private let configurationJSON: String
  private let current = Mutex<(child: ChildProcess?, id: UInt32)>((nil, 0))

  init(_ process: IsolatedProcess, configurationJSON: String) { (self.process, self.configurationJSON) = (process, configurationJSON) }

  deinit {
    let (child, id) = current.withLock { $0 }
    child?.release(id)
  }

  /// Makes the instance.
  /// - Returns: what the plugin says of it.
  func create<Info>(_ read: (inout MessageReader) throws(ChannelError) -> Info) throws(PluginError) -> Info {
    let child = try process.child()
    let (id, info) = try Self.create(child, configurationJSON, read)
    current.withLock { $0 = (child, id) }
    return info
  }

  /// The instance in the process that there is now.
  func bind() throws(PluginError) -> (child: ChildProcess, id: UInt32) {
    let child = try process.child()
    return try current.withLock { (current) throws(PluginError) in
      if current.child !== child {
        let (id, _) = try Self.create(child, configurationJSON) { (it) throws(ChannelError) in it.skip() }
        current = (child, id)
      }
      return (child, current.id)
    }
  }

  /// One call on a channel of its own.
  /// - Parameter memory: what the payload refers to.
  func call<Value>(
    _ operation: Operation, _ payload: [UInt8], sharing memory: SharedMemory? = nil,
    serve: @escaping (ChildProcess, Message) throws(CallFailure) -> [UInt8] = { (_, message) throws(CallFailure) in
      throw .lost(.broken("\(message.operation) was asked for where nothing may be"))
    }, _ read: (inout MessageReader) throws(ChannelError) -> Value
  ) throws(PluginError) -> Value {
    let (child, id) = try bind()
    if let memory { try child.share(memory) }
    let limit = child.configuration.callNanoseconds(process.library.kind)
    let payload = try child.onChannel { (channel) throws(CallFailure) in
      try channel.call(operation, instance: id, id: ChildProcess.newID(), payload, limit: limit) { (message) throws(CallFailure) in try serve(child, message) }
    }
    return try child.decode(payload, read)
  }

  private static func create<Info>(
    _ child: ChildProcess, _ configurationJSON: String, _ read: (inout MessageReader) throws(ChannelError) -> Info
  ) throws(PluginError) -> (UInt32, Info) {
    var writer = MessageWriter()
    writer.add(child.takeReleased()) { $0.add($1) }
    writer.add(configurationJSON)
    let limit = IsolationConfiguration.nanoseconds(child.configuration.startSeconds)
    let payload = try child.onChannel { (channel) throws(CallFailure) in
      try channel.call(.create, id: ChildProcess.newID(), writer.bytes, limit: limit)
    }
    return try child.decode(payload) { (reader) throws(ChannelError) in
      let id: UInt32 = try reader.number()
      guard id != 0 else { throw .broken("an instance of number 0") }
      return (id, try read(&reader))
    }
  }
}

extension ChildProcess {
  /// One call on a channel, which goes back where it went well.
  func onChannel<Value>(_ body: (Channel) throws(CallFailure) -> Value) throws(PluginError) -> Value {
    let channel = try takeChannel()
    do throws(CallFailure) {
      let value = try body(channel)
      giveBack(channel)
      return value
    } catch {
      switch error {
      case .plugin(let error):
        giveBack(channel)
        throw error
      case .lost(let reason): throw failure(reason)
      }
    }
  }
}

extension MessageReader {
  mutating func skip() { self = MessageReader([]) }
}
