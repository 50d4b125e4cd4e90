public import CentramHost
internal import CentramPluginAPI
internal import Foundation

/// The node's configuration file. Everything has a default; what the file says replaces it, and flags replace that.
/// Documented key by key in docs/reference/configuration.md.
public struct NodeConfiguration: Sendable {
  /// Folders of plugins, looked at before the installed ones.
  public var pluginFolders: [String] = []
  /// Plugin ids that are not to be used.
  public var disabledPlugins: Set<String> = []
  /// Which versions of a plugin may be used, by id.
  public var pluginVersions: [String: VersionRange] = [:]
  /// What becomes of plugins that no trusted publisher signed, where the file says nothing.
  public static let untrustedByDefault = TrustPolicy.Untrusted.isolate
  public var trust = TrustPolicy(untrusted: Self.untrustedByDefault)
  /// What plugins in processes of their own may use.
  public var isolation = IsolationSettings()
  /// Threads of a merge; nil: as many as the machine has cores.
  public var mergeThreads: Int?
  public var mergeHash = FileHashAlgorithm.xxh128
  /// The model store; nil: the standard one.
  public var modelFolder: String?
  /// The genome store; nil: the standard one.
  public var genomeFolder: String?
  /// Addresses to listen on; empty: the standard ones.
  public var listen: [String] = []
  /// Peers to dial, as `PeerReference` reads them.
  public var peers: [String] = []
  public var limits = Limits()

  /// How others are found.
  public var discovery = DiscoverySettings()
  /// What is done about routers in between.
  public var traversal = NATTraversal.Settings()
  /// Which gate layers judge genomes, and how.
  public var gate = GateSettings()
  /// What genomes go to and come from peers.
  public var exchange = ExchangeSettings()
  /// On what candidates are measured.
  public var evaluation = EvaluationSettings()
  /// How accepted genomes become part of the model.
  public var evolution = EvolutionSettings()

  public init() {}

  /// Reads a file.
  /// - Throws: `.configuration`, naming the key and the nearest known one.
  public init(path: String) throws(MergeError) {
    guard let data = FileManager.default.contents(atPath: path) else { throw MergeError(.configuration, "\(path): cannot be read") }
    try self.init(json: data, name: path)
  }

  init(json data: Data, name: String) throws(MergeError) {
    guard data.count <= 1 << 20 else { throw MergeError(.configuration, "\(name): \(data.count) bytes; 1 MiB is the limit") }
    guard let object = try? JSONSerialization.jsonObject(with: data), let root = object as? [String: Any] else {
      throw MergeError(.configuration, "\(name): not a JSON object")
    }
    let reader = Reader(name: name)
    try reader.section(root, "", ["plugins", "merge", "models", "genomes", "network", "discovery", "relay", "gate", "exchange", "evaluation", "evolve"])
    let plugins = try reader.object(root["plugins"], "plugins") ?? [:]
    try reader.section(plugins, "plugins.", ["path", "disable", "versions", "untrusted", "publishers", "isolation"])
    pluginFolders = try reader.strings(plugins["path"], "plugins.path").map { ($0 as NSString).expandingTildeInPath }
    disabledPlugins = Set(try reader.strings(plugins["disable"], "plugins.disable"))
    for (id, value) in try reader.object(plugins["versions"], "plugins.versions") ?? [:] {
      guard let text = value as? String, let range = try? VersionRange(text) else {
        throw reader.error("plugins.versions.\(id)", "must be a range of versions such as \"^1.2\"")
      }
      pluginVersions[id] = range
    }
    gate = try GateSettings(try reader.object(root["gate"], "gate") ?? [:], versions: pluginVersions, reader)
    exchange = try ExchangeSettings(try reader.object(root["exchange"], "exchange") ?? [:], reader)
    evaluation = try EvaluationSettings(try reader.object(root["evaluation"], "evaluation") ?? [:], reader)
    evolution = try EvolutionSettings(try reader.object(root["evolve"], "evolve") ?? [:], reader)
    if let value = plugins["untrusted"] {
      guard let untrusted = (value as? String).flatMap(TrustPolicy.Untrusted.init) else {
        throw reader.error("plugins.untrusted", "must be one of \(TrustPolicy.Untrusted.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      trust.untrusted = untrusted
    }
    self.isolation = try IsolationSettings(try reader.object(plugins["isolation"], "plugins.isolation") ?? [:], reader)
    if let list = plugins["publishers"] { trust.publishers = try reader.publishers(list) }
    let merge = try reader.object(root["merge"], "merge") ?? [:]
    try reader.section(merge, "merge.", ["threads", "hash"])
    if let value = merge["threads"] {
      guard let threads = value as? Int, (1...256).contains(threads) else { throw reader.error("merge.threads", "must be a whole number from 1 to 256") }
      mergeThreads = threads
    }
    if let value = merge["hash"] {
      guard let hash = (value as? String).flatMap(FileHashAlgorithm.init) else {
        throw reader.error("merge.hash", "must be one of \(FileHashAlgorithm.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      mergeHash = hash
    }
    let models = try reader.object(root["models"], "models") ?? [:]
    try reader.section(models, "models.", ["path"])
    if let value = models["path"] {
      guard let path = value as? String, !path.isEmpty else { throw reader.error("models.path", "must be a folder") }
      modelFolder = (path as NSString).expandingTildeInPath
    }
    let genomes = try reader.object(root["genomes"], "genomes") ?? [:]
    try reader.section(genomes, "genomes.", ["path"])
    if let value = genomes["path"] {
      guard let path = value as? String, !path.isEmpty else { throw reader.error("genomes.path", "must be a folder") }
      genomeFolder = (path as NSString).expandingTildeInPath
    }
    let network = try reader.object(root["network"], "network") ?? [:]
    try reader.section(network, "network.", ["listen", "peers", "limits"])
    discovery = try DiscoverySettings(try reader.object(root["discovery"], "discovery") ?? [:], reader)
    traversal = try NATTraversal.Settings(try reader.object(root["relay"], "relay") ?? [:], reader)
    listen = try reader.strings(network["listen"], "network.listen")
    peers = try reader.strings(network["peers"], "network.peers")
    let chosen = try reader.object(network["limits"], "network.limits") ?? [:]
    try reader.section(chosen, "network.limits.", Limit.allCases.map(\.rawValue))
    for (name, value) in chosen {
      guard let limit = Limit(rawValue: name), let number = value as? Int, (1...1_000_000_000).contains(number) else {
        throw reader.error("network.limits.\(name)", "must be a whole number from 1 to 1000000000")
      }
      limits[limit] = number
    }
  }

  /// Typed access to parsed JSON, with errors that name the key.
  struct Reader {
    let name: String

    func error(_ key: String, _ message: String) -> MergeError { MergeError(.configuration, "\(name): \(key) \(message)") }

    func section(_ object: [String: Any], _ prefix: String, _ known: [String]) throws(MergeError) {
      for key in object.keys.sorted() where !known.contains(key) {
        let hint = CentramHost.NearestName.suggestion(for: key, among: known).map { "did you mean \($0)?" } ?? "known are \(known.joined(separator: ", "))"
        throw error(prefix + key, "is no key of the configuration; \(hint)")
      }
    }

    func object(_ value: Any?, _ key: String) throws(MergeError) -> [String: Any]? {
      guard let value else { return nil }
      guard let object = value as? [String: Any] else { throw error(key, "must be an object") }
      return object
    }

    func strings(_ value: Any?, _ key: String) throws(MergeError) -> [String] {
      guard let value else { return [] }
      guard let list = value as? [String] else { throw error(key, "must be a list of strings") }
      return list
    }

    func flag(_ value: Any, _ key: String) throws(MergeError) -> Bool {
      guard let flag = value as? Bool else { throw error(key, "must be true or false") }
      return flag
    }

    func publishers(_ value: Any) throws(MergeError) -> [TrustPolicy.Publisher] {
      guard let list = value as? [[String: Any]] else { throw error("plugins.publishers", "must be a list of objects") }
      var result: [TrustPolicy.Publisher] = []
      for (index, entry) in list.enumerated() {
        let place = "plugins.publishers[\(index)]."
        try section(entry, place, ["name", "key", "ids", "kinds", "isolate"])
        guard let publisher = entry["name"] as? String, !publisher.isEmpty else { throw error(place + "name", "is needed") }
        guard let key = (entry["key"] as? String).flatMap({ Data(base64Encoded: $0) }), key.count == 32 else {
          throw error(place + "key", "must be an Ed25519 public key: 32 bytes in base64")
        }
        let kinds = try strings(entry["kinds"], place + "kinds").map(PluginKind.init(rawValue:))
        result.append(
          TrustPolicy.Publisher(
            name: publisher, key: Array(key), ids: try strings(entry["ids"], place + "ids"), kinds: Set(kinds),
            mustIsolate: try entry["isolate"].map { (value) throws(MergeError) in try flag(value, place + "isolate") } ?? false))
      }
      return result
    }
  }
}
