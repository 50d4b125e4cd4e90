public import CentramHost
public import CentramPluginAPI

/// Looks again, once a minute, which plugins there are and whose may run. What is trusted no more is stopped, and what was revoked is ended.
public struct PluginWatch: Sendable {
  /// Nanoseconds between two looks.
  public static let interval: UInt64 = 60_000_000_000

  private let hosts: [PluginHost]
  private let trust: @Sendable () throws -> TrustPolicy
  private let sleep: @Sendable (UInt64) async throws -> Void
  private let log: @Sendable (LogLevel, String) -> Void

  /// - Parameters:
  ///   - hosts: each is held to the same trust.
  ///   - trust: reads the operator's files. Where it throws, what counted before goes on to count.
  ///   - sleep: waits for nanoseconds; what it throws ends the watch.
  public init(
    _ hosts: [PluginHost], trust: @escaping @Sendable () throws -> TrustPolicy, sleep: @escaping @Sendable (UInt64) async throws -> Void,
    log: @escaping @Sendable (LogLevel, String) -> Void
  ) { (self.hosts, self.trust, self.sleep, self.log) = (hosts, trust, sleep, log) }

  /// Goes on until `sleep` throws.
  /// - Parameter looked: is called after each look.
  public func run(_ looked: @Sendable () async -> Void) async {
    while (try? await sleep(Self.interval)) != nil {
      look()
      await looked()
    }
  }

  private func look() {
    var policy: TrustPolicy?
    do { policy = try trust() } catch { log(.error, "whom this node trusts stays as it was: \((error as? HostError)?.message ?? "\(error)")") }
    for host in hosts {
      let before = stopped(host)
      host.discover(trust: policy)
      for (plugin, reason) in stopped(host).sorted(by: { $0.key < $1.key }) where before[plugin] != reason {
        log(.warning, "\(plugin) is stopped: \(reason)")
      }
    }
  }

  /// Why plugins that are in memory may not be used, by title.
  private func stopped(_ host: PluginHost) -> [String: String] {
    let pairs = host.snapshot().records.filter { $0.state == .stopped }.map { ($0.title, $0.reason ?? "") }
    return Dictionary(pairs) { first, _ in first }
  }
}
