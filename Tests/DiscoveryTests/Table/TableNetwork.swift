import CentramWire
import Foundation

@testable import CentramNode

/// A distributed table in memory: nodes that answer each other at once, some of them hostile, some gone. Everything comes from a seed.
final class TableNetwork {
  enum Conduct { case honest, silent, liar }
  final class Member {
    let signer: Signer, record: VerifiedRecord, conduct: Conduct
    var node: TableNode
    var isAlive = true
    init(_ signer: Signer, _ record: VerifiedRecord, _ node: TableNode, _ conduct: Conduct) {
      (self.signer, self.record, self.node, self.conduct) = (signer, record, node, conduct)
    }
  }

  var members: [NodeKey: Member] = [:]
  var order: [NodeKey] = []
  var random: RandomSource
  var now = Signer.now
  /// Queries that were sent.
  var queries = 0
  /// Records of one network that liars name.
  var sybils: [WireSigned] = []

  /// Knows everybody's record, so that each is verified once and not once a node: a debug build would spend its time there.
  private var verifier = RecordVerifier()
  private let signers: [Signer], records: [VerifiedRecord]

  /// - Parameter size: how many may be added.
  init(seed: UInt64, size: Int) {
    random = RandomSource(SplitMix64(state: seed))
    var verifier = RecordVerifier()
    signers = (0..<size).map { Signer(10_000 + $0) }
    // Each in a network of its own.
    records = signers.enumerated().map { number, signer in
      let signed = signer.record("quic://\(20 + number / 40_000).\(number / 200 % 200).\(number % 200).1:9741", lifetime: 86_400_000)
      return try! verifier.verify(signed, now: Signer.now)
    }
    self.verifier = verifier
  }

  @discardableResult func add(_ conduct: Conduct = .honest) -> Member {
    let number = order.count, signer = signers[number]
    let member = Member(signer, records[number], TableNode(own: signer.id, random: random.fork()), conduct)
    member.node.verifier = verifier
    members[signer.id] = member
    order.append(signer.id)
    return member
  }

  var alive: [Member] { order.compactMap { members[$0] }.filter { $0.isAlive && $0.conduct == .honest } }
  func some() -> Member { alive.randomElement(using: &random)! }

  /// Joins through a few who are there: looks for itself.
  func join(_ member: Member, through others: [Member]) {
    for other in others {
      member.node.met(other.record, now: now)
      other.node.met(member.record, now: now)
    }
    _ = find(TablePoint(of: member.signer.id), by: member)
  }

  /// A whole search. Each question also makes the asked know the asker, as a session does.
  func find(_ target: TablePoint, by member: Member, settings: TableLookup.Settings = TableLookup.Settings()) -> [VerifiedRecord] {
    var lookup = member.node.lookup(target, now: now, settings: settings)
    while !lookup.isDone {
      for record in lookup.next() {
        queries += 1
        guard let other = members[record.key], other.isAlive, other.conduct != .silent else {
          lookup.failed(record.key)
          member.node.table.failed(record.key)
          continue
        }
        let reply = other.conduct == .liar ? sybils.shuffled(using: &random).prefix(20).map { $0 } : other.node.answer(question(target), to: member.signer.id, now: now).records
        let (good, bad) = member.node.read(reply, now: now)
        if bad > 0 { lookup.failed(record.key) } else { lookup.answered(record.key, good) }
        member.node.met(record, now: now)
        if other.conduct == .honest { other.node.met(member.record, now: now) }
      }
    }
    return lookup.result
  }

  private func question(_ target: TablePoint) -> WireFindNode {
    var question = WireFindNode()
    (question.target, question.maximum) = (Data(target.bytes), 20)
    return question
  }

  /// Stores a provider's word at the nearest that take it; - Returns: how many did.
  func provide(_ content: TablePoint, by member: Member, number: UInt64 = 1) -> Int {
    let record = try! VerifiedProvider.make(by: member.signer.key, content: content, kind: .genome, number: number, now: now)
    return find(content, by: member).count { target in
      guard let other = members[target.key], other.conduct == .honest else { return false }
      var message = WireProvide()
      (message.record, message.peer) = (record, member.record.signed)
      message.token = other.node.answer(question(content), to: member.signer.id, now: now).token
      do throws(DiscoveryError) {
        try other.node.take(message, from: member.signer.id, now: now)
        return true
      } catch { return false }
    }
  }

  /// Looks for providers: asks those nearest to the content.
  func providers(_ content: TablePoint, by member: Member) -> Set<NodeKey> {
    var question = WireFindProviders(), found: Set<NodeKey> = []
    (question.content, question.maximum) = (Data(content.bytes), 20)
    for target in find(content, by: member) {
      guard let other = members[target.key], other.conduct == .honest else { continue }
      let reply = other.node.answer(question, to: member.signer.id, now: now)
      found.formUnion(member.node.providers(reply, of: content, now: now).map(\.provider.provider))
    }
    return found
  }

  func point() -> TablePoint { TablePoint((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })! }
  func nearest(_ target: TablePoint) -> Member { alive.min { target.isNearer(TablePoint(of: $0.signer.id), than: TablePoint(of: $1.signer.id)) }! }
}
