import CentramStore
import Foundation
import StoreSamples
import Synchronization

/// Works on a store in a process of its own, says what was acknowledged, and ends itself by SIGKILL at the step that it was told.
///
///     centram-store-fixture FOLDER add|append|judge|attest|collect|repair|fill FIRST COUNT [STEP]
let arguments = CommandLine.arguments
guard arguments.count >= 5, let first = Int(arguments[3]), let count = Int(arguments[4]) else { exit(64) }
let (folder, work) = (arguments[1], arguments[2])
let deadly = arguments.count > 5 ? Int(arguments[5]) : nil

@Sendable func say(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
}

let steps = Atomic<Int>(0)
var options = GenomeStore.Options()
options.reached = { step in
  if steps.add(1, ordering: .relaxed).newValue == deadly {
    say("died \(step.rawValue)")
    kill(getpid(), SIGKILL)
  }
}

do throws(StoreError) {
  if work == "repair" {
    let repaired = try GenomeStore.repair(folder: folder, reader: Sample.reader, now: 5000, options: options)
    say("repaired \(repaired.genomes)")
    exit(0)
  }
  let store = try GenomeStore(folder: folder, options: options)
  for number in first..<first + count {
    switch work {
    case "add", "fill":
      try Sample(number, author: number, parents: number > first ? [number - 1] : [], generation: number - first).add(to: store)
      say("acknowledged \(Sample.id(number))")
    case "append":
      let record = try Sample.append(number, to: store)
      say("acknowledged \(record.id) \(record.sequence)")
    case "judge":
      try Sample(number, author: number).add(to: store)
      try store.record(Sample.decision(number), of: Sample.id(number), now: 3000)
      say("acknowledged \(Sample.id(number))")
    case "attest":
      // Two came, and the two before have to go.
      let (new, gone) = (Sample.attestations(number), number > first ? Sample.attestations(number - 1).map(\.signature) : [])
      try store.keep(new, forgetting: gone)
      say("acknowledged \(number)")
    case "collect":
      let collected = try store.collect(now: .max)
      say("collected \(collected.files)")
    default: exit(64)
    }
  }
  say("done \(steps.load(ordering: .relaxed))")
} catch {
  say("failed \(error.code.rawValue) \(error.message)")
  exit(1)
}
