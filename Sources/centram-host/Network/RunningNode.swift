internal import CentramHost
internal import CentramNode
internal import CentramPluginAPI
internal import CentramWire
internal import Foundation
internal import Synchronization

/// A node that runs, with what runs beside it. After a change of keys there is another one in the same process and folder.
final class RunningNode: Sendable {
  let node: NetworkNode, discovery: NodeDiscovery, traversal: NATTraversal, plugins: PluginHost, genomes: ServedGenomes, rounds: RoundServing
  /// The identity's file.
  private let path: String
  private let isReplaced = Mutex(false)

  init(
    node: NetworkNode, discovery: NodeDiscovery, traversal: NATTraversal, plugins: PluginHost, genomes: ServedGenomes, rounds: RoundServing, path: String
  ) {
    (self.node, self.discovery, self.traversal, self.plugins) = (node, discovery, traversal, plugins)
    (self.genomes, self.rounds, self.path) = (genomes, rounds, path)
  }

  /// Whether the node has given its place to one with another key.
  var hasNewKey: Bool { isReplaced.withLock { $0 } }

  /// Moves the node to a new key: it is on the disk first, then every connected peer hears of it, then it takes the old one's place.
  func rotate() async -> RotationAnswer {
    do {
      let next = try NodeIdentity.prepareSuccessor(of: path), key = try SigningKey(seed: next.seed)
      let former = await node.key.publicKey, peers = await node.connectedPeers().count
      try await node.rotateKey(to: key)
      await node.waitForAcknowledgements(milliseconds: 5_000)
      try NodeIdentity.completeSuccession(at: path)
      isReplaced.withLock { $0 = true }
      return RotationAnswer(id: key.publicKey.description, former: former.description, toldPeers: peers, error: nil)
    } catch { return RotationAnswer(id: nil, former: nil, toldPeers: nil, error: "\(error)") }
  }
}

/// What `identity rotate` gets.
struct RotationAnswer: Codable {
  var id: String?, former: String?, toldPeers: Int?, error: String?
}

/// The node that answers on the control socket now.
final class CurrentNode: Sendable {
  private let running = Mutex<RunningNode?>(nil)
  func set(_ node: RunningNode) { running.withLock { $0 = node } }

  func answer(_ request: String) async -> Data? {
    guard let running = running.withLock({ $0 }) else { return nil }
    switch request {
    case "peers": return try? JSONEncoder().encode(await running.node.peers())
    case "rotate": return try? JSONEncoder().encode(await running.rotate())
    default:
      if let answer = await running.genomes.answer(request) { return answer }
      return await running.rounds.answer(request)
    }
  }
}
