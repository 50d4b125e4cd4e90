// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import Synchronization

/// Who listens where, in this process.
final class Network: Sendable {
  static let shared = Network()
  private let listeners = Mutex<[Address: Listener]>([:])

  func listener(at address: Address) -> Listener? { listeners.withLock { $0[address] } }

  func listen(_ wanted: Address, key: PeerID) throws(PluginError) -> Listener {
    let made = listeners.withLock { listeners -> Listener? in
      var place = wanted
      // Port 0 asks for a free one.
      while wanted.port == 0, place.port < 65_535 {
        place.port += 1
        if listeners[place] == nil { break }
      }
      guard place.port > 0, listeners[place] == nil else { return nil }
      let listener = Listener(place, key: key)
      listeners[place] = listener
      return listener
    }
    guard let made else { throw PluginError(.unavailable, "somebody listens at \(wanted) already") }
    return made
  }

  func forget(_ listener: Listener) { listeners.withLock { if $0[listener.place] === listener { $0[listener.place] = nil } } }
}

final class Listener: TransportListener {
  /// Connections that wait to be accepted.
  static let backlog = 128
  let place: Address, key: PeerID
  private struct State { var waiting: [Connection] = [], isClosed = false }
  private let state = Watched(State())

  init(_ place: Address, key: PeerID) { (self.place, self.key) = (place, key) }

  var address: String { place.description }
  private var closed: PluginError { PluginError(.closed, "the listener at \(place) is closed") }

  func accept() async throws(PluginError) -> any TransportConnection {
    try await state.wait { state in
      if state.isClosed { return .failure(closed) }
      return state.waiting.isEmpty ? nil : .success(state.waiting.removeFirst())
    }
  }

  func offer(_ connection: Connection) throws(PluginError) {
    let isTaken = state.change { state in
      guard !state.isClosed, state.waiting.count < Self.backlog else { return false }
      state.waiting.append(connection)
      return true
    }
    guard isTaken else { throw PluginError(.unavailable, "\(place) takes no more connections; \(Self.backlog) may wait there") }
  }

  func close() async {
    Network.shared.forget(self)
    let left = state.change { state in
      defer { state = State(waiting: [], isClosed: true) }
      return state.waiting
    }
    for connection in left { await connection.close(code: 0, reason: "nobody accepted it") }
  }
}
