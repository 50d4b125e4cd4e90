import CentramPluginAPI
import CentramPluginTesting
import Foundation
import Synchronization
import Testing

/// A fault that the suite of economy rules must find, and the check that finds it.
enum EconomyMutation: String, CaseIterable, Sendable {
  case takesSettingsNowAndThen, refusesEverything, losesTheRest, postsToNobody, variesByInstance, remembersManyEvents, sharesState
  case wrapsAround, saturates, paysForAnything, paysUnknownGenomesTwice, goesInCircles, losesDeepAncestors, failsSilently

  var caughtBy: String {
    switch self {
    case .takesSettingsNowAndThen: "configuration"
    case .refusesEverything: "answers"
    case .losesTheRest: "sums-to-zero"
    case .postsToNobody: "named-accounts"
    case .variesByInstance: "repeatable"
    case .remembersManyEvents: "any-order"
    case .sharesState: "side-by-side"
    case .wrapsAround, .saturates: "extreme-amounts"
    case .paysForAnything: "unknown-events"
    case .paysUnknownGenomesTwice: "unknown-genomes"
    case .goesInCircles: "circular-lineage"
    case .losesDeepAncestors: "deep-lineage"
    case .failsSilently: "error-sentence"
    }
  }
}

/// Half to the payee, the other half along the first parents, each generation half of what is left; right in every respect but the mutation.
final class WrongRule: EconomyRule {
  let mutation: EconomyMutation?
  private let number: Int
  private let state = Mutex((calls: 0, active: 0, first: EconomyEvent?.none))

  init(_ mutation: EconomyMutation?, _ memory: WrongMemory, configurationJSON: String) throws(PluginError) {
    self.mutation = mutation
    number = memory.made.add(1, ordering: .relaxed).newValue
    if mutation == .takesSettingsNowAndThen, configurationJSON != "{}", number % 2 == 0 { throw PluginError(.invalid, "not now") }
  }

  func postings(for event: EconomyEvent, in view: any LedgerView) throws(PluginError) -> [Posting] {
    let (calls, active, first) = state.withLock { state in
      (state.calls, state.active, state.first) = (state.calls + 1, state.active + 1, state.first ?? event)
      return state
    }
    if mutation == .sharesState { usleep(300) }
    defer { state.withLock { $0.active -= 1 } }
    if mutation == .refusesEverything { throw PluginError(.unsupported, "no events") }
    guard ["payment", "inference", "epoch"].contains(event.type) || mutation == .paysForAnything else { throw PluginError(.unsupported, "no rule for \(event.type.prefix(20))") }
    guard event.amount >= 0 || mutation == .wrapsAround else { throw PluginError(.invalid, "the amount is \(event.amount)") }
    let balance = view.balance(ofAccount: event.payer) ?? 0
    guard balance >= event.amount || mutation == .wrapsAround else {
      throw PluginError(.limitExceeded, mutation == .failsSilently ? "" : "\(event.payer) has \(balance), needs \(event.amount)")
    }
    var postings = [Posting(account: event.payer, microCEN: mutation == .wrapsAround ? 0 &- event.amount : -event.amount)]
    var rest = event.amount / 2, genome = event.subject, seen: Set<String> = [], steps = 0
    postings.append(Posting(account: event.payee, microCEN: event.amount - rest))
    if mutation == .saturates, event.amount > .max / 10_000 { postings[1].microCEN = .max / 10_000 }
    while rest > 1, let parent = view.parents(ofGenome: genome).first?.id, steps < 100 || mutation == .losesDeepAncestors {
      steps += 1
      if mutation == .losesDeepAncestors, steps > 15 { return postings }
      if !seen.insert(parent).inserted {
        guard mutation == .goesInCircles else { break }
        sleep(600)
      }
      let part = mutation == .goesInCircles ? 0 : rest / 2
      guard let owner = view.owner(ofGenome: parent) else { break }
      postings.append(Posting(account: owner, microCEN: part))
      rest -= part
      genome = parent
    }
    postings.append(Posting(account: mutation == .postsToNobody ? view.owner(ofGenome: event.subject) ?? "" : "treasury", microCEN: rest))
    switch mutation {
    case .losesTheRest where event.amount % 7 == 3 && (10_002...999_999).contains(event.amount): postings.removeLast()
    case .variesByInstance: postings[0].memo = "\(number)"
    case .remembersManyEvents where calls == 120 && event == first: postings[0].memo = "late"
    case .sharesState where active > 1: postings[0].memo = "busy"
    case .paysUnknownGenomesTwice where view.generation(ofGenome: event.subject) == nil && event.subject.count > 100: postings.append(postings[1])
    default: break
    }
    return postings
  }
}

/// The suite's own tests: it is none if it lets wrong rules pass.
@Suite struct WrongEconomyRuleTests {
  private static func suite(_ mutation: EconomyMutation?) -> EconomyRuleConformance {
    let memory = WrongMemory()
    var options = EconomyRuleConformance.Options()
    options.timeLimit = .seconds(15)
    return EconomyRuleConformance(options: options) { (environment) throws(PluginError) in try WrongRule(mutation, memory, configurationJSON: environment.configurationJSON) }
  }

  @Test func theRightRulePasses() async { #expect(await Self.suite(nil).failures() == []) }

  @Test func eachCheckFindsAFaultThatNoOtherFinds() async throws {
    var report = MutationReport()
    for mutation in EconomyMutation.allCases {
      let failed = Set(await Self.suite(mutation).failures().map(\.check))
      #expect(failed.contains(mutation.caughtBy), "\(mutation) was not caught by \(mutation.caughtBy), only by \(failed.sorted())")
      report.add(mutation.rawValue, failed)
    }
    #expect(report.notCaughtAlone(EconomyRuleConformance.checkNames) == [], "\(report)")
  }
}
