// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI

/// What the two ends of a connection share. Side 0 dialled.
final class Link: Sendable {
  struct State {
    /// By side: streams that the other side opened and this one has not accepted.
    var unaccepted: [[Pipe]] = [[], []]
    /// To be told when the connection closes.
    var pipes: [Pipe] = []
    var end: PluginError?
  }
  /// Streams that may wait to be accepted; who opens another waits too.
  static let backlog = 1024
  let state = Watched(State())
}

/// One end.
final class Connection: TransportConnection {
  let peer: PeerID
  let channelBinding: [UInt8]
  private let link: Link, side: Int

  init(_ link: Link, side: Int, peer: PeerID, channelBinding: [UInt8]) {
    (self.link, self.side, self.peer, self.channelBinding) = (link, side, peer, channelBinding)
  }

  func openStream() async throws(PluginError) -> any TransportStream {
    let pipe = Pipe(), other = 1 - side
    try await link.state.wait { state -> Result<Void, PluginError>? in
      if let end = state.end { return .failure(end) }
      guard state.unaccepted[other].count < Link.backlog else { return nil }
      state.unaccepted[other].append(pipe)
      // Those that are over need not hear of the connection's end.
      state.pipes.removeAll(where: \.isOver)
      state.pipes.append(pipe)
      return .success(())
    }
    return Stream(pipe, side: side)
  }

  func acceptStream() async throws(PluginError) -> any TransportStream {
    let side = side
    let pipe: Pipe = try await link.state.wait { state in
      if let end = state.end { return .failure(end) }
      return state.unaccepted[side].isEmpty ? nil : .success(state.unaccepted[side].removeFirst())
    }
    return Stream(pipe, side: side)
  }

  func close(code: UInt64, reason: String) async {
    let end = PluginError(.closed, "the connection was closed with code \(code): \(reason)")
    let pipes = link.state.change { state in
      state.end = state.end ?? end
      defer { state.pipes = [] }
      return state.pipes
    }
    for pipe in pipes { pipe.stop(end) }
  }
}
