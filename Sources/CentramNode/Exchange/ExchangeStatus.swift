internal import CentramWire

/// What an exchange does now, for people and programs.
public struct ExchangeStatus: Sendable, Codable, Equatable {
  public struct Transfer: Sendable, Codable, Equatable {
    public var genome: String, domain: String
    public var bytes: Int
    /// Nil while the manifest is asked for.
    public var chunksLeft: Int?
    /// Keys of the peers that it is fetched from.
    public var sources: [String]
  }
  public var transfers: [Transfer]
  /// Genomes that are offered to peers, that wait for their transfer, that wait for the gate, and that are kept aside.
  public var offered: Int, waiting: Int, toJudge: Int, quarantined: Int
  /// What happened since the node's start, by name; limits that were reached as `limit.NAME`.
  public var counters: [String: UInt64]
}

extension GenomeExchange {
  public func status() async -> ExchangeStatus {
    var running: [ExchangeStatus.Transfer] = []
    for id in transfers.keys.sorted() {
      let transfer = transfers[id] ?? nil
      running.append(
        .init(
          genome: id, domain: wanted[id]?.summary.domain ?? transfer?.manifest.signed.manifest.domain ?? "",
          bytes: transfer?.manifest.size ?? Int(clamping: wanted[id]?.summary.size ?? 0), chunksLeft: await transfer?.chunksLeft,
          sources: (await transfer?.sources ?? wanted[id]?.sources ?? []).map(\.description)))
    }
    return ExchangeStatus(
      transfers: running, offered: catalogue.entries.count, waiting: wanted.keys.count { transfers[$0] == nil }, toJudge: waiting.count,
      quarantined: quarantine.entries.count, counters: counters.all)
  }
}
