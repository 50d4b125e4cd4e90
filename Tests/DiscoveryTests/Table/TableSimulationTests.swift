import Foundation
import Testing

@testable import CentramNode

/// Hundreds of nodes that really sign, verify, ask and answer.
@Suite(.serialized) struct TableSimulationTests {
  static func network(seed: UInt64, size: Int, liars: Int = 0, silent: Int = 0) -> TableNetwork {
    let network = TableNetwork(seed: seed, size: size * 5 / 4)
    if liars > 0 {
      // Many names at one address, as cheap as they are in life.
      network.sybils = (0..<200).map { Signer(90_000 + $0).record("quic://203.0.113.\($0 + 1):9741", now: network.now, lifetime: 86_400_000) }
    }
    for number in 0..<size {
      let isLiar = number >= 10 && number % 100 < liars, isSilent = number >= 10 && number % 100 >= 100 - silent
      let member = network.add(isLiar ? .liar : isSilent ? .silent : .honest)
      if number == 0 { continue }
      let known = network.order.prefix(number).shuffled(using: &network.random).prefix(3).compactMap { network.members[$0] }
      // The liars are known like others.
      network.join(member, through: known.filter { $0.conduct != .silent } + [network.members[network.order[0]]!])
    }
    return network
  }

  @Test func lookupsFindTheNearestNodeAndProvidersAreFoundThroughChurn() {
    var dice = Seeds.fuzz("table")
    let seed = dice.next()
    let network = Self.network(seed: seed, size: 500)
    network.queries = 0
    var found = 0
    for _ in 0..<40 {
      let target = network.point(), asker = network.some(), nearest = network.nearest(target)
      found += network.find(target, by: asker).first?.key == nearest.signer.id || nearest === asker ? 1 : 0
    }
    #expect(found >= 39, "\(found) of 40 found the nearest node; seed \(seed)")
    // About log2(500) steps of three at a time and the twenty nearest: not half the network.
    #expect(network.queries < 40 * 60, "\(network.queries) queries for 40 lookups")

    let contents = (0..<10).map { _ in (network.point(), network.some()) }
    for (content, provider) in contents { #expect(network.provide(content, by: provider) >= 10) }
    // A quarter goes without a word, as many come.
    for member in network.alive.shuffled(using: &network.random).prefix(500 / 4) where !contents.contains(where: { $0.1 === member }) { member.isAlive = false }
    for _ in 0..<500 / 4 {
      let others = (0..<3).map { _ in network.some() }
      network.join(network.add(), through: others)
    }
    network.now += 60_000
    for (content, provider) in contents {
      let asker = network.some()
      #expect(network.providers(content, by: asker).contains(provider.signer.id), "seed \(seed)")
    }
    found = 0
    for _ in 0..<40 {
      let target = network.point(), asker = network.some(), nearest = network.nearest(target)
      found += network.find(target, by: asker).first?.key == nearest.signer.id || nearest === asker ? 1 : 0
    }
    #expect(found >= 36, "\(found) of 40 found the nearest node after churn; seed \(seed)")
    // After their time the records are gone, unless they are said again.
    network.now += 86_400_000
    #expect(
      network.members.values.allSatisfy { member in
        member.node.expire(now: network.now); return member.node.store.count == 0
      })
  }

  @Test func liarsAndSilentNodesDoNotHideProviders() {
    var dice = Seeds.fuzz("hostile table")
    let seed = dice.next()
    let network = Self.network(seed: seed, size: 200, liars: 20, silent: 10)
    var found = 0
    for _ in 0..<20 {
      let content = network.point(), provider = network.some()
      _ = network.provide(content, by: provider)
      found += network.providers(content, by: network.some()).contains(provider.signer.id) ? 1 : 0
    }
    #expect(found >= 18, "\(found) of 20 providers were found among 20 % liars and 10 % silent nodes; seed \(seed)")
    // None of the made-up names, all of one network, fills a table.
    for member in network.alive {
      #expect(member.node.table.contacts.count { $0.record.addresses[0].host.hasPrefix("203.0.113.") } <= member.node.table.limits.perPrefix)
    }
  }

  @Test func aSeedGivesTheSameNetworkTwice() {
    func trace(_ seed: UInt64) -> [String] {
      let network = TableNetwork(seed: seed, size: 60)
      for number in 0..<60 {
        let member = network.add()
        if number > 0 { network.join(member, through: [network.members[network.order[number / 2]]!]) }
      }
      return (0..<5).map { _ in network.find(network.point(), by: network.some()).map { $0.key.description.prefix(8) }.joined() + "\(network.queries)" }
    }
    #expect(trace(5) == trace(5))
    #expect(trace(5) != trace(6))
  }
}
