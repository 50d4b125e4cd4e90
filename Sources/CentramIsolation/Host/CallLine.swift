internal import CSandbox
internal import CentramPluginAPI
internal import Foundation
internal import Synchronization

/// A line to a plugin's process on which any number of calls wait side by side; answers come in any order.
final class CallLine: Sendable {
  typealias Answer = Result<[UInt8], PluginError>

  private struct State {
    var open: [UInt64: CheckedContinuation<Answer, Never>] = [:]
    /// Why no call is taken any more.
    var end: PluginError?
  }

  let child: ChildProcess
  private let socket: PacketSocket
  private let writing = Mutex(())
  private let state = Mutex(State())

  init(_ socket: PacketSocket, _ child: ChildProcess) { (self.socket, self.child) = (socket, child) }

  /// Begins to take answers, on a thread of its own.
  func start() {
    let thread = Thread { [self] in
      let end: PluginError
      do throws(ChannelError) {
        while true { try take(socket.receive()) }
      } catch { end = child.failure(error) }
      let open = state.withLock { state in
        state.end = end
        defer { state.open = [:] }
        return state.open
      }
      for continuation in open.values { continuation.resume(returning: .failure(end)) }
    }
    thread.name = "plugin line"
    thread.start()
  }

  private func take(_ message: Message) throws(ChannelError) {
    let continuation = state.withLock { $0.open.removeValue(forKey: message.id) }
    guard message.direction != .call, let continuation else { throw .broken("an answer to \(message.operation) \(message.id), which nobody asked for") }
    let answer: Answer
    do throws(ChannelError) {
      answer = try Channel.result(message, of: message.operation, message.id)
    } catch {
      continuation.resume(returning: .failure(PluginError(.internalFailure, "\(error)")))
      throw error
    }
    continuation.resume(returning: answer)
  }

  /// One call; it waits as long as the plugin does. Where the task is cancelled, the plugin is told.
  func call(_ operation: Operation, instance: UInt32, _ payload: [UInt8]) async throws(PluginError) -> [UInt8] {
    let id = ChildProcess.newID()
    let answer = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let end = state.withLock { state in
          if state.end == nil { state.open[id] = continuation }
          return state.end
        }
        if let end { return continuation.resume(returning: .failure(end)) }
        send(Message(operation: operation, id: id, instance: instance, payload: payload))
      }
    } onCancel: {
      child.cancel(id)
    }
    return try answer.get()
  }

  /// Says something that has no answer.
  func tell(_ operation: Operation, _ payload: [UInt8]) { send(Message(operation: operation, id: 0, payload: payload)) }

  private func send(_ message: Message) {
    let sent = writing.withLock { _ in Result { () throws(ChannelError) in try socket.send(message) } }
    // The reader finds the end of the line and tells all who wait.
    if case .failure(let error) = sent, error != .closed { child.end("could not be reached: \(error)") }
  }
}
