internal import ArgumentParser
internal import CentramNode
internal import CentramStore
internal import Foundation

extension GateCommand {
  struct Summary: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Counts the genomes that came from others: how many were accepted, and how many were refused by which layer.")
    @OptionGroup var options: GenomeOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try GenomeCommand.reporting(options) { library in
        let summary = try GateSummary(library.store)
        if json { try Terminal.printJSON(summary) } else { print(summary.text) }
      }
    }
  }
}

/// What became of the genomes of others, by the last judgement of each.
struct GateSummary: Encodable {
  private(set) var received = 0, accepted = 0, revoked = 0
  /// By layer.
  private(set) var quarantined: [String: Int] = [:], rejected: [String: Int] = [:]

  init(_ store: GenomeStore) throws(StoreError) {
    for record in try store.genomes() {
      switch record.state {
      case .own: continue
      case .received: received += 1
      case .accepted: accepted += 1
      case .revoked: revoked += 1
      case .quarantined: quarantined[try Self.layer(record, store), default: 0] += 1
      case .rejected: rejected[try Self.layer(record, store), default: 0] += 1
      }
    }
  }

  private static func layer(_ record: GenomeRecord, _ store: GenomeStore) throws(StoreError) -> String {
    try store.verdicts(of: record.id).last { $0.direction == .inbound }?.layer ?? "unknown"
  }

  var text: String {
    func counted(_ name: String, _ layers: [String: Int]) -> String {
      let parts = layers.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
      return "\(name) \(layers.values.reduce(0, +))\(parts.isEmpty ? "" : " (\(parts))")"
    }
    var parts = ["accepted \(accepted)", counted("rejected", rejected), counted("quarantined", quarantined)]
    if received > 0 { parts.append("not judged \(received)") }
    if revoked > 0 { parts.append("revoked \(revoked)") }
    return parts.joined(separator: ", ")
  }
}
