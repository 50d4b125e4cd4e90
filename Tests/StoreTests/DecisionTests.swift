import CentramStore
import Foundation
import StoreSamples
import Testing

@Suite struct DecisionTests {
  let folder = try! TemporaryFolder()
  let store: GenomeStore

  init() throws { store = try GenomeStore(folder: folder("genomes")) }

  @Test func verdictsAndMeasuresComeBackAsTheyWereStored() throws {
    try Sample(1).add(to: store)
    let verdicts = [
      VerdictRecord(genome: Sample.id(1), direction: .inbound, layer: "gate.format", layerVersion: "1.0.0", decision: .accept, timeMilliseconds: 7),
      VerdictRecord(
        genome: Sample.id(1), direction: .outbound, layer: "gate.norms", layerVersion: "1.2.0", decision: .scale, factor: 0.5, reason: "\"quoted\"\nµ",
        evidence: [.init("norm", "1.5"), .init("norm", "limit 1")], timeMilliseconds: 8, isIncomplete: true),
    ]
    try store.decide(Sample.id(1), .accepted, verdicts: verdicts, metrics: ["lift": 0.25, "sigma1": -1e-300], advancesLog: true, now: 9)
    let (record, stored, metrics) = (try store.genome(Sample.id(1)), try store.verdicts(of: Sample.id(1)), try store.metrics(of: Sample.id(1)))
    #expect(record.state == .accepted && record.stateMilliseconds == 9 && stored == verdicts && metrics == ["lift": 0.25, "sigma1": -1e-300])
    try store.setMetrics(["lift": 0.5], of: Sample.id(1))
    let changed = try store.metrics(of: Sample.id(1))
    #expect(changed["lift"] == 0.5 && changed.count == 2)
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity]) func aMeasureThatIsNoneIsRefusedAndNothingIsDecided(value: Double) throws {
    try Sample(1).add(to: store)
    let error = refusal { () throws(StoreError) in try store.decide(Sample.id(1), .accepted, metrics: ["lift": value], advancesLog: true, now: 2) }
    let state = try store.genome(Sample.id(1)).state
    #expect(error?.code == .invalid && error?.message.contains("lift") == true && state == .received)
  }

  @Test func changesThatCannotBeAreRefused() throws {
    try Sample(1).add(to: store)
    #expect(refusal { () throws(StoreError) in try store.decide(Sample.id(1), .own, advancesLog: false, now: 2) }?.code == .conflict)
    #expect(refusal { () throws(StoreError) in try store.decide(Sample.id(2), .accepted, advancesLog: false, now: 2) }?.code == .notFound)
    try store.decide(Sample.id(1), .revoked, advancesLog: false, now: 3)
    for state in GenomeState.allCases where state != .revoked {
      #expect(refusal { () throws(StoreError) in try store.decide(Sample.id(1), state, advancesLog: false, now: 4) }?.code == .conflict, "\(state)")
    }
  }

  @Test func aLogAdvancesOnlyWhereItIsToldAndNeverBack() throws {
    for number in 1...3 { try Sample(number, sequence: UInt64(number)).add(to: store) }
    let none = try store.log(of: Sample.key(1))
    #expect(none == nil)
    try store.decide(Sample.id(2), .rejected, advancesLog: true, now: 2)
    try store.decide(Sample.id(1), .accepted, advancesLog: true, now: 3)
    let second = try store.log(of: Sample.key(1))
    #expect(second == AuthorLog(lastSequence: 2, lastID: Sample.id(2)))
    try store.decide(Sample.id(3), .quarantined, advancesLog: false, now: 4)
    let still = try store.log(of: Sample.key(1))
    #expect(still == second)
    let judged = try (1...4).map { try store.wasJudged(Sample.id($0)) }
    #expect(judged == [true, true, false, false])
  }

  @Test func twoEntriesAtOnePlaceFreezeTheAuthorWithTheProof() throws {
    try Sample(1, sequence: 4).add(to: store)
    let before = try store.forkProof(of: Sample.key(1))
    let outcome = try Sample(2, sequence: 4).add(to: store, time: 77)
    let proof = try #require(try store.forkProof(of: Sample.key(1)))
    #expect(before == nil && outcome == .fork(other: Sample.id(1)) && proof.sequence == 4 && proof.timeMilliseconds == 77)
    #expect(proof.first.manifest == Sample(1, sequence: 4).signed && proof.second.manifest == Sample(2, sequence: 4).signed)
    #expect(proof.first.signature == Sample(1).record().signature && proof.second.signature == Sample(2).record().signature)
    // Another author at the same place proves nothing.
    let other = try Sample(3, author: 2, sequence: 4).add(to: store)
    #expect(other == .added)
  }

  @Test func aFrozenAuthorsLaterEntriesAreRefusedAndEarlierOnesTaken() throws {
    try Sample(1, sequence: 4).add(to: store)
    try Sample(2, sequence: 4).add(to: store)
    for sequence in [4, 5, 9] as [UInt64] {
      let error = refusal { () throws(StoreError) in try Sample(3, sequence: sequence).add(to: store) }
      #expect(error?.code == .conflict && error?.message.contains("frozen") == true, "\(sequence)")
    }
    let earlier = try Sample(4, sequence: 3).add(to: store), other = try Sample(5, author: 2, sequence: 9).add(to: store)
    #expect(earlier == .added && other == .added)
  }

  @Test func theNodesOwnForkedLogTakesNothingMore() throws {
    _ = try Sample.append(1, to: store)
    // From a copy of the home that went another way.
    try Sample(2, author: 0, sequence: 1).add(to: store, .own)
    let error = refusal { () throws(StoreError) in _ = try Sample.append(3, to: store) }
    #expect(error?.code == .conflict && error?.message.contains("frozen") == true)
  }

  @Test func aDecisionOnAStateThatChangedMeanwhileKeepsNothing() throws {
    try Sample(1).add(to: store)
    try store.decide(Sample.id(1), .quarantined, advancesLog: false, now: 2)
    let error = refusal { () throws(StoreError) in try store.record(Sample.decision(1), of: Sample.id(1), now: 3) }
    let (state, verdicts) = (try store.genome(Sample.id(1)).state, try store.verdicts(of: Sample.id(1)))
    #expect(error?.code == .conflict && error?.message.contains("quarantined") == true && state == .quarantined && verdicts.isEmpty)
  }

  @Test func measuresOfManyAreThoseOfEach() throws {
    for number in 1...3 { try Sample(number, author: number).add(to: store) }
    for number in 1...2 { try store.setMetrics(["lift": Double(number), "norm.\(number)": 1], of: Sample.id(number)) }
    // More than one query takes.
    let others = (100..<700).map(Sample.id)
    let found = try store.metrics(of: [Sample.id(1)] + others + [2, 3].map(Sample.id)), none = try store.metrics(of: [] as [String])
    #expect(found == [Sample.id(1): ["lift": 1, "norm.1": 1], Sample.id(2): ["lift": 2, "norm.2": 1]] && none.isEmpty)
  }

  @Test func whatIsAcceptedInOneMillisecondComesInTheOrderOfItsAcceptance() throws {
    for number in 1...4 { try Sample(number, author: number).add(to: store) }
    for number in [3, 1, 4, 2] { try store.decide(Sample.id(number), .accepted, advancesLog: true, now: 7) }
    let ids = try store.genomes(state: .accepted).map(\.id)
    #expect(ids == [2, 4, 1, 3].map(Sample.id))
  }

  @Test func admissionsCountOnceAndInfluenceIsThatOfWhatIsAcceptedNow() throws {
    for number in 1...3 { try Sample(number, sequence: UInt64(number)).add(to: store) }
    for (number, state) in [(1, .accepted), (2, .rejected), (3, .accepted)] as [(Int, GenomeState)] {
      try store.record(GateDecision(state: state, admission: .init(branch: "b", weight: 0.25 * Double(number))), of: Sample.id(number), now: Int64(number))
      try store.record(GateDecision(admission: .init(branch: "c", weight: 1)), of: Sample.id(number), now: 9)
    }
    var history = try store.history(of: Sample.key(1), branch: "b", since: 2)
    #expect(history.admissions == [2, 3] && history.branchAdmissions == [2, 3] && history.accepted == 2)
    #expect(history.influence == 1 && history.branchInfluence == 1 && history.branches == 1)
    try store.decide(Sample.id(3), .quarantined, advancesLog: false, now: 10)
    history = try store.history(of: Sample.key(1), branch: "", since: 0)
    #expect(history.admissions == [1, 2, 3] && history.accepted == 2 && history.influence == 0.25 && history.branchInfluence == 0)
    for weight in [0, 1.5, .nan] {
      let error = refusal { () throws(StoreError) in
        try Sample(4, author: 4).add(to: store)
        try store.record(GateDecision(admission: .init(branch: "", weight: weight)), of: Sample.id(4), now: 1)
      }
      #expect(error?.code == .invalid, "\(weight)")
    }
  }

  @Test func aStateIsMadeOnceAndTrainingsLeaveOnce() throws {
    let (one, two) = (try store.state("gate.x", orKeep: { [1] }), try store.state("gate.x", orKeep: { [2] }))
    #expect(one == [1] && two == [1])
    try Sample(1).add(to: store)
    try Sample(2, author: 2, parents: [1], generation: 1).add(to: store)
    let account = OwnTraining.Account(steps: 3, sampling: "poisson", samplingRate: 0.1, noiseMultiplier: 1, clippingNorm: 2, isAFrozen: true)
    try store.add(OwnTraining(genome: Sample.id(1), sequences: 10, account: account))
    try store.add(OwnTraining(genome: Sample.id(1), sequences: 11))
    let training = try store.training(of: Sample.id(1))
    #expect(training == OwnTraining(genome: Sample.id(1), sequences: 10, account: account))
    try store.recordDeparture(of: Sample.id(2), now: 5)
    try store.recordDeparture(of: Sample.id(1), now: 6)
    let left = try store.trainingsThatLeft()
    #expect(left.map(\.leftMilliseconds) == [5])
  }
}
