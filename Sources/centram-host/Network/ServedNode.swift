internal import CentramHost
internal import CentramNode
internal import CentramPluginAPI
internal import CentramWire
internal import Foundation

/// Puts a node together from this machine's folder, plugins, clock and randomness, and runs it until somebody interrupts.
struct ServedNode {
  let options: HostOptions
  let configuration: NodeConfiguration
  let settings: NodeSettings
  let output: ServeOutput

  func run() throws {
    let folder = HostOptions.folder
    let identity = try NodeIdentity(path: folder + "/identity")
    let control = try ControlServer(folder: folder)
    defer { control.close() }
    let node = try makeNode(identity)
    let outcome = Blocking.run { () async -> Result<Void, SessionError> in
      await withTaskGroup(of: Void.self) { group in
        group.addTask { await self.stopWhenInterrupted(node) }
        group.addTask {
          await node.waitUntilStarted()
          let listening = await node.listening
          if !listening.isEmpty { self.output.started(id: await node.key.publicKey.description, listening: listening) }
          let discovery = self.makeDiscovery(node, key: await node.key.publicKey, folder: folder)
          discovery.register(with: node.handlers)
          control.serve { request in request == "peers" ? try? JSONEncoder().encode(await node.peers()) : nil }
          if !listening.isEmpty { await discovery.run() }
        }
        defer { group.cancelAll() }
        do throws(SessionError) {
          try await node.run()
          return .success(())
        } catch { return .failure(error) }
      }
    }
    try outcome.get()
  }

  /// Finds others and has the node dial them. What it learns is kept beside the identity.
  private func makeDiscovery(_ node: NetworkNode, key: NodeKey, folder: String) -> NodeDiscovery {
    NodeDiscovery(
      settings: configuration.discovery, own: key, host: node, clock: WallClock(), random: .system, network: SystemNetwork(), path: folder + "/peers.json", log: output.log)
  }

  private func stopWhenInterrupted(_ node: NetworkNode) async {
    while !Interrupt.isRequested {
      guard (try? await Task.sleep(nanoseconds: 50_000_000)) != nil else { return }
    }
    output.log(.info, "stopping")
    await node.stop()
  }

  private func makeNode(_ identity: NodeIdentity) throws -> NetworkNode {
    // Transports hold the key themselves, for the certificate that names the node. They have a host of their own, so that no other plugin gets it.
    let host = options.host(configuration, identity: ExportableIdentity(identity), log: output.log)
    let transports = host.snapshot().usable().filter { $0.kind == .transport }.compactMap { record -> (any Transport)? in
      do throws(HostError) { return try host.transport(record.id) } catch {
        output.log(.warning, error.message)
        return nil
      }
    }
    guard !transports.isEmpty else { throw HostError(.notFound, "no transport is usable; name a folder of plugins with --plugins, and see centram-host plugin list") }
    let plugins = host.snapshot().usable().filter { $0.kind != .transport }
    return NetworkNode(
      settings: settings, key: try SigningKey(seed: identity.seed), transports: transports, clock: WallClock(), random: SystemRandom(), log: output.log,
      capabilities: {
        var capabilities = WireCapabilities()
        capabilities.plugins = plugins.prefix(512).map { record in
          var plugin = WirePluginVersion()
          (plugin.id, plugin.version) = (record.id, record.version?.description ?? "0")
          return plugin
        }
        return capabilities
      })
  }
}

/// The computer's clock.
struct WallClock: NodeClock {
  private let clock = SystemClock()
  var unixMilliseconds: Int64 { clock.unixMilliseconds }
  var monotonicNanoseconds: UInt64 { clock.monotonicNanoseconds }
  func sleep(until nanoseconds: UInt64) async throws {
    let now = monotonicNanoseconds
    // A sleep of no time still gives way, and looks whether the task is cancelled.
    try await Task.sleep(nanoseconds: nanoseconds > now ? nanoseconds - now : 0)
  }
}

/// The node's identity for plugins that must hold the key.
private struct ExportableIdentity: IdentityService {
  private let identity: NodeIdentity
  init(_ identity: NodeIdentity) { self.identity = identity }
  var publicKey: [UInt8] { identity.publicKey }
  func sign(_ message: [UInt8]) throws(PluginError) -> [UInt8] { try identity.sign(message) }
  func exportSeed() throws(PluginError) -> [UInt8] { identity.seed }
}

/// Waits on the calling thread for a task.
enum Blocking {
  static func run<Result: Sendable>(_ body: @escaping @Sendable () async -> Result) -> Result {
    let outcome = Outcome<Result>()
    Task.detached {
      outcome.value = await body()
      outcome.done.signal()
    }
    outcome.done.wait()
    return outcome.value!
  }

  /// Written before the signal and read after it.
  private final class Outcome<Value>: @unchecked Sendable {
    let done = DispatchSemaphore(value: 0)
    var value: Value?
  }
}
