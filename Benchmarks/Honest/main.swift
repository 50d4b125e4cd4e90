import CentramGenome
import CentramNode
import CentramPluginAPI
import CentramStore
import EvolutionSamples
import Foundation
import LinkedGate

/// How many honest genomes a gate of all ten layers refuses.
///
/// Trains small adapters of the toy on four domains of real text that this machine has, packs them as genomes of many authors, and judges each at a node
/// of its own with the gate's defaults. `gate.privacy` has `record: optional`, since no genome here was trained with noise.
///
///     centram-honest-bench [--count 200] [--authors 40] [--work FOLDER] [--base-steps 2000] [--threads 2] [--seed 1]
///                          [--repository FOLDER] [--evidence 0]
///
/// What is in the work folder already is used again: base, adapters, texts.
do {
  let options = try HonestOptions(CommandLine.arguments.dropFirst())
  let corpus = try HonestCorpus(folder: options.work + "/texts", repository: options.repository)
  for domain in corpus.domains { print("\(domain): \(corpus.bytes[domain]!) bytes from \(corpus.sources[domain]!)") }

  let base = options.work + "/base"
  if !FileManager.default.fileExists(atPath: base + "/training.json") {
    print("training the base, \(options.baseSteps) steps")
    try? FileManager.default.removeItem(atPath: base)
    try await Toy.base(text: corpus.seedPhase, steps: options.baseSteps, batch: 8, warmUp: 100, beta2: 0.95, seed: options.seed, threads: options.threads, to: base)
  }

  let plans = options.plans(corpus.domains)
  for (place, plan) in plans.enumerated() {
    let folder = options.adapter(plan)
    guard !FileManager.default.fileExists(atPath: folder + "/training.json") else { continue }
    try? FileManager.default.removeItem(atPath: folder)
    let slice = try corpus.slice(plan.domain, from: plan.from, to: plan.to, name: plan.name)
    try await Toy.adapter(plan.recipe, base: base, text: slice, threads: options.threads, to: folder)
    if place % 10 == 9 { print("trained \(place + 1) of \(plans.count)") }
  }

  let node = try HonestNode(base: base, corpus: corpus, folder: options.work, threads: options.threads)
  for plan in plans where plan.author == nil { try node.addOwn(options.adapter(plan), domain: plan.domain) }
  var outcomes: [HonestOutcome] = []
  let start = ContinuousClock.now, cpu = clock()
  for plan in plans {
    guard let author = plan.author else { continue }
    let outcome = try await node.judge(options.adapter(plan), plan: plan, author: author)
    outcomes.append(outcome)
    print("\(plan.name): \(outcome.layer.map { "\($0): \(outcome.reason)" } ?? "accepted")")
    if options.showsEvidence { for item in outcome.evidence { print("  \(item.name): \(item.value)") } }
  }
  let duration = start.duration(to: .now)
  HonestTable(outcomes).show()
  let measured = max(1, outcomes.count { $0.layer == nil || $0.layer == "gate.fitness" || $0.layer == "gate.behaviour" })
  print("\(outcomes.count) judgements in \(duration), \(node.evaluation.forwardPasses) forward passes")
  print("CPU seconds a judgement that reached the model: \(Double(clock() - cpu) / Double(CLOCKS_PER_SEC) / Double(measured))")
} catch {
  FileHandle.standardError.write(Data("error: \(error)\n".utf8))
  exit(1)
}
