internal import CentramNode
internal import Foundation
internal import Synchronization

/// The genomes of a node that runs: its library, its gate and its exchange with peers, put together.
struct GenomeServing: Sendable {
  let library: GenomeLibrary
  let exchange: GenomeExchange

  /// How a gate asks peers for the signed manifest of an ancestor that is not here; nil where nobody has it.
  typealias FetchManifest = @Sendable (_ id: String) async -> [UInt8]?

  /// Registers what the node does with messages about genomes. Make it before the node runs.
  /// - Parameter judge: makes the gate, which may ask peers for manifests once the exchange runs.
  init(
    library: GenomeLibrary, node: NetworkNode, settings: ExchangeSettings, hooks: ExchangeHooks = ExchangeHooks(), judge: (@escaping FetchManifest) throws -> any GenomeJudging
  ) throws {
    let running = RunningExchange()
    let judge = try judge { await running.exchange?.fetchManifest($0) }
    (self.library, exchange) = (library, try GenomeExchange(node: node, library: library, judge: judge, settings: settings, hooks: hooks))
    running.set(exchange)
    exchange.register(with: node.handlers)
  }

  /// Offers, fetches and judges until the task is cancelled or the node has stopped.
  func run() async { await exchange.run() }

  /// Answers `transfers` on the control socket, and `genomes changed`, which says that a command changed the store.
  func answer(_ request: String) async -> Data? {
    switch request {
    case "transfers": return try? JSONEncoder().encode(await exchange.status())
    case "genomes changed":
      exchange.storeChanged()
      return Data("{}".utf8)
    default: return nil
    }
  }
}

/// Made after the gate that asks it.
private final class RunningExchange: Sendable {
  private let kept = Mutex<GenomeExchange?>(nil)
  var exchange: GenomeExchange? { kept.withLock { $0 } }
  func set(_ exchange: GenomeExchange) { kept.withLock { $0 = exchange } }
}
