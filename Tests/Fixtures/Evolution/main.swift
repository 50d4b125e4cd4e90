import CentramNode
import CentramStore
import EvolutionSamples
import Foundation
import Synchronization

/// Takes a genome into a model in a process of its own, and ends itself by SIGKILL at the step that it was told.
///
///     centram-evolve-fixture FOLDER prepare
///     centram-evolve-fixture FOLDER merge|mixture|revert [STEP]
let arguments = CommandLine.arguments
guard arguments.count >= 3 else { exit(64) }
let (folder, work) = (arguments[1], arguments[2])
let deadly = arguments.count > 3 ? Int(arguments[3]) : nil

@Sendable func say(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
}

let steps = Atomic<Int>(0)
let isCounting = Atomic<Bool>(false)
@Sendable func reached(_ name: String) {
  guard isCounting.load(ordering: .relaxed) else { return }
  if steps.add(1, ordering: .relaxed).newValue == deadly {
    say("died \(name)")
    kill(getpid(), SIGKILL)
  }
}

var storeOptions = GenomeStore.Options()
storeOptions.reached = { reached($0.rawValue) }
let store = try GenomeStore(folder: folder + "/genomes", options: storeOptions)
let library = GenomeLibrary(store: store, identity: NodeIdentity(seed: [UInt8](repeating: 1, count: 32)), now: { 1_700_000_000_000 })
if work == "prepare" {
  let peer = GenomeLibrary(store: try GenomeStore(folder: folder + "/peer"), identity: NodeIdentity(seed: [UInt8](repeating: 2, count: 32)), now: { 1_700_000_000_000 })
  for seed in [UInt64(1), 2] {
    let record = try SmallAdapter.genome(seed, library: peer, scratch: folder)
    try peer.export(record, to: "\(folder)/genome-\(seed)")
    _ = try library.import("\(folder)/genome-\(seed)")
    try store.decide(record.id, .accepted, metrics: ["lift": Double(seed)], advancesLog: true, now: 1_700_000_000_000)
  }
  _ = try SmallAdapter.genome(3, library: library, scratch: folder)
  exit(0)
}

var settings = EvolutionSettings()
if work == "mixture" { settings.mode = .mixture }
var options = Evolution.Options()
options.reached = { reached($0.rawValue) }
let evolution = Evolution(
  library: library, merge: GenomeMerge(store: store, operators: Linked.mergeOperator), measuring: FixedMeasuring(), base: SmallAdapter.base, settings: settings,
  options: options, operatorVersion: Linked.operatorVersion)
isCounting.store(true, ordering: .relaxed)
do {
  if work == "revert" {
    _ = try evolution.revert()
  } else {
    let report = try await evolution.step()
    for line in report.lines { say("\(line.outcome.rawValue) \(line.genome) \(line.reason)") }
  }
  say("done \(steps.load(ordering: .relaxed))")
} catch {
  say("failed \(error)")
  exit(1)
}
