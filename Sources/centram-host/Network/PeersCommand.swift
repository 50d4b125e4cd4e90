internal import ArgumentParser
internal import CentramNode
internal import Foundation

struct PeersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "peers", abstract: "Shows the peers of the node that runs on this machine.",
    discussion: """
      Asks it through the control socket in ~/.centram. "gate" is the beginning of the hash of the peer's gate policy; a peer that has layers switched off \
      says so, and is shown with "gate incomplete".
      """)
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    try Terminal.reporting {
      let answer = try ControlClient.ask("peers", folder: HostOptions.folder)
      guard let peers = try? JSONDecoder().decode([PeerStatus].self, from: answer) else {
        throw SessionError(.malformed, "the node's answer cannot be read; it may be of another version than this command")
      }
      if json { return try Terminal.printJSON(peers) }
      guard !peers.isEmpty else { return Terminal.note("no peers") }
      let now = Int64(Date().timeIntervalSince1970 * 1000)
      let rows = [["id", "state", "transport", "path", "round trip", "sent", "received", "since", "gate", "addresses", ""]] + peers.map { row($0, now) }
      let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
      for row in rows {
        let cells = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
        print(cells.joined(separator: "  ").replacing(/\ +$/, with: ""))
      }
    }
  }

  private func row(_ peer: PeerStatus, _ now: Int64) -> [String] {
    let roundTrip = peer.roundTripMilliseconds.map { String(format: "%.2f ms", $0) } ?? ""
    return [
      String((peer.id ?? "?").prefix(16)), peer.state.rawValue, peer.transport, peer.path, roundTrip, Terminal.bytes(Int(peer.bytesSent)),
      Terminal.bytes(Int(peer.bytesReceived)), Terminal.duration(Double(max(0, now - peer.since)) / 1000), peer.gatePolicy.map { String($0.prefix(12)) } ?? "",
      peer.addresses.joined(separator: " "), [peer.reason, gate(peer)].filter { !$0.isEmpty }.joined(separator: "; "),
    ]
  }

  /// Names of layers are a peer's words, so what is none of an id does not reach the terminal.
  private func gate(_ peer: PeerStatus) -> String {
    guard !peer.disabledGateLayers.isEmpty else { return "" }
    let names = peer.disabledGateLayers.map { name in
      String(name.unicodeScalars.map { $0.isASCII && $0.properties.isLowercase || "0123456789.-_".unicodeScalars.contains($0) ? Character($0) : "?" })
    }
    return "gate incomplete: " + names.joined(separator: ", ")
  }
}
