internal import CentramHost
internal import CentramNode
internal import CentramStore
internal import CentramWire
internal import Foundation

/// The training rounds of a node that runs, and its answers to `centram-host round`.
///
/// A request is longer than a line of the control socket, so it lies in a file of ~/.centram/rounds that the line names.
struct RoundServing: Sendable {
  let rounds: NodeRounds

  /// Makes the rounds and registers their messages. Make it before the node runs.
  /// - Parameter genomesChanged: called when a finished round became a genome.
  init(node: NetworkNode, key: SigningKey, genomes: GenomeNode, genomesChanged: @escaping @Sendable () -> Void = {}) {
    var means = NodeRounds.Means(plugins: genomes.plugins, folder: Self.folder)
    means.threads = ProcessInfo.processInfo.activeProcessorCount
    (means.gate, means.evaluation) = (RoundGate(genomes.gate, evaluation: genomes.evaluation, key: key), genomes.evaluation)
    means.privacy = RoundPrivacy(genomes.library, judge: genomes.gate, random: CentramHost.SystemRandom())
    rounds = NodeRounds(node: node, key: key, library: genomes.library, means: means, agent: "centram-host/\(CentramVersion.text)", genomesChanged: genomesChanged)
    rounds.service.register(with: node.handlers)
  }

  static var folder: String { HostOptions.folder + "/rounds" }

  /// Goes on with rounds that were under way, until the task is cancelled.
  func run() async throws(RoundError) { try await rounds.service.run() }

  /// Answers `round status`, `round start FILE`, `round join FILE` and `round stop ROUND`.
  func answer(_ request: String) async -> Data? {
    let words = request.split(separator: " ").map(String.init)
    guard words.first == "round", words.count >= 2 else { return nil }
    do {
      switch (words[1], words.count) {
      case ("status", 2): return try JSONEncoder().encode(RoundAnswer(rounds: await rounds.status()))
      case ("start", 3): return try JSONEncoder().encode(RoundAnswer(round: await rounds.start(try Self.read(words[2]))))
      case ("join", 3): return try JSONEncoder().encode(RoundAnswer(round: await rounds.join(try Self.read(words[2]))))
      case ("stop", 3):
        try await rounds.stop(words[2])
        return try JSONEncoder().encode(RoundAnswer(round: words[2]))
      default: return nil
      }
    } catch { return try? JSONEncoder().encode(RoundAnswer(error: (error as? RoundError)?.message ?? "\(error)")) }
  }

  /// Reads a request's file and removes it.
  private static func read<Request: Decodable>(_ name: String) throws(RoundError) -> Request {
    let path = "\(folder)/\(name)"
    guard UUID(uuidString: name) != nil, let data = FileManager.default.contents(atPath: path), let request = try? JSONDecoder().decode(Request.self, from: data) else {
      throw RoundError(.configuration, "the request cannot be read; it may be of another version than this node")
    }
    try? FileManager.default.removeItem(atPath: path)
    return request
  }
}

/// What `centram-host round` gets.
struct RoundAnswer: Codable {
  var round: String?
  var rounds: [NodeRounds.Status]?
  var error: String?
}
