internal import CentramNode
internal import CentramPluginAPI
internal import CentramStore
internal import CentramWire
internal import ExchangeSamples
internal import Foundation
internal import NodeWorld
internal import Synchronization

/// Two nodes in virtual time, the second of which fetches genomes of the first, and ends its process by SIGKILL at the step that it was told. Their
/// genomes are in FOLDER, so another run goes on.
///
///     centram-exchange-fixture FOLDER GENOMES [STEP]
let arguments = CommandLine.arguments
guard arguments.count >= 3, let count = Int(arguments[2]) else { exit(64) }
let folder = arguments[1]
let deadly = arguments.count > 3 ? Int(arguments[3]) : nil

@Sendable func say(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
}

let steps = Atomic<Int>(0)
@Sendable func reached(_ name: String) {
  let own = steps.add(1, ordering: .relaxed).newValue
  if own == deadly {
    say("died \(name)")
    kill(getpid(), SIGKILL)
  }
}

let result = try World.run { world in
  let clock = world.simulation.clock
  let now: @Sendable () -> Int64 = { clock.unixMilliseconds }
  let giver = try SampleHome(folder + "/giver", seed: world.seed(1), now: now)
  for number in try giver.store.genomes().count..<count { try giver.make(number) }
  var options = GenomeStore.Options()
  options.reached = { reached($0.rawValue) }
  let taker = try SampleHome(folder + "/taker", seed: world.seed(2), options: options, now: now)

  var hooks = ExchangeHooks()
  hooks.onVerdict = { _, verdict in say("acknowledged \(verdict.subject.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined())") }
  let first = world.node(1)
  let giving = try GenomeExchange(node: first, library: giver.library, judge: try JudgeDouble(store: giver.store, clock: clock), hooks: hooks)
  var deadlyHooks = ExchangeHooks()
  deadlyHooks.reached = { reached($0.rawValue) }
  let second = world.node(2, dialling: [1])
  let taking = try GenomeExchange(node: second, library: taker.library, judge: try JudgeDouble(store: taker.store, clock: clock), hooks: deadlyHooks)
  for (number, node, exchange) in [(1, first, giving), (2, second, taking)] {
    exchange.register(with: node.handlers)
    await world.start(node, number)
    world.scope.start { await exchange.run() }
  }
  for _ in 0..<600 {
    let accepted = try taker.store.genomes(state: .accepted).count
    if accepted == count, await taking.status().toJudge == 0 { break }
    await world.sleep(100)
  }
  // The last verdict is on its way to the giver.
  await world.sleep(1_000)
  return (accepted: try taker.store.genomes(state: .accepted).count, received: taking.counters[.chunksReceived], resumed: taking.counters[.chunksResumed])
}
say("done \(steps.load(ordering: .relaxed)) accepted \(result.accepted) received \(result.received) resumed \(result.resumed)")
