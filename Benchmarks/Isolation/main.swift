// What a process of its own costs a merge operator: centram-isolation-bench [REPETITIONS] [MILLIONS OF ELEMENTS] [MODELS] [ELEMENTS AT ONCE]
// Merges two bf16 models of 494 M parameters (and a base where the method needs one) from files to a file, in process and isolated in turn,
// and measures a call, a start and a restart. Everything runs through the host and the driver that a node uses. MODELS is a folder as
// Benchmarks/Merge/make_checkpoints.py writes it; without it, or with -, random models are written and removed again.
internal import CentramHost
internal import CentramIsolation
internal import CentramNode
internal import CentramPluginAPI
internal import CentramPluginTesting
internal import Foundation

let repetitions = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 5 : 5
let millions = CommandLine.arguments.count > 2 ? Double(CommandLine.arguments[2]) ?? 495 : 495
let models = CommandLine.arguments.count > 3 && CommandLine.arguments[3] != "-" ? CommandLine.arguments[3] : nil
let elementsAtOnce = CommandLine.arguments.count > 4 ? Int(CommandLine.arguments[4]) : nil

func seconds(_ body: () throws -> Void) rethrows -> Double {
  let start = ContinuousClock.now
  try body()
  return (ContinuousClock.now - start) / .seconds(1)
}
func median(_ values: [Double]) -> Double { values.isEmpty ? .nan : values.sorted()[values.count / 2] }
/// Processor time of this process and of another, which a machine under load does not stretch as it does the clock's.
func processorSeconds(and pid: Int32?) -> Double {
  var own = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &own)
  let mine = [own.ru_utime, own.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
  guard let pid, let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8), let name = stat.lastIndex(of: ")") else { return mine }
  // After the name: the state, then the fields from the fourth on; user and system time are the 14th and 15th.
  let fields = stat[name...].split(separator: " ").dropFirst()
  return mine + fields.dropFirst(11).prefix(2).reduce(0) { $0 + (Double($1) ?? 0) } / Double(sysconf(Int32(_SC_CLK_TCK)))
}
/// Each line at once, for what follows takes long.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
func text(_ value: Double, _ digits: Int = 3) -> String { String(format: "%.\(digits)f", value) }

do {
  let plugins = try BenchPlugins()
  defer { plugins.remove() }
  try measureStarts(plugins)
  try measureCalls(plugins)
  try measureMerges(plugins)
} catch {
  FileHandle.standardError.write(Data("\(error)\n".utf8))
  exit(1)
}

func measureStarts(_ plugins: BenchPlugins) throws {
  var starts: [Double] = [], restarts: [Double] = []
  for _ in 0..<20 {
    let host = plugins.host(isolated: true)
    starts.append(try seconds { try host.load(id: "merge.linear") })
    let record = host.snapshot().records.first { $0.id == "merge.linear" }
    guard let isolated = record?.isolated, let pid = record?.health?.pid else { throw PluginError(.internalFailure, "merge.linear was not isolated") }
    kill(pid, SIGKILL)
    // The first call notices the end, the next one has a new process.
    try? isolated.ping()
    restarts.append(try seconds { try isolated.ping() })
  }
  say(
    "start with all checks \(text(median(starts) * 1e3, 1)) ms, "
      + "restart \(text(median(restarts) * 1e3, 1)) ms (medians of 20), slowest \(text((restarts.max() ?? 0) * 1e3, 1)) ms")
}

func measureCalls(_ plugins: BenchPlugins) throws {
  let host = plugins.host(isolated: true)
  try host.load(id: "merge.linear")
  guard let isolated = host.snapshot().records.first(where: { $0.id == "merge.linear" })?.isolated else { throw PluginError(.internalFailure, "not isolated") }
  for _ in 0..<1000 { try isolated.ping() }
  var calls: [Double] = []
  for _ in 0..<20_000 { calls.append(try seconds { try isolated.ping() }) }
  calls.sort()
  say("a call: median \(text(median(calls) * 1e6, 1)) µs, 99th percentile \(text(calls[calls.count * 99 / 100] * 1e6, 1)) µs (20,000 calls)")
}

func measureMerges(_ plugins: BenchPlugins) throws {
  let own = plugins.host(isolated: false), other = plugins.host(isolated: true)
  let files = try MergeCase(elements: Int(millions * 1e6), models: models)
  defer { files.remove() }
  say("\(try files.summary(own)), \(ProcessInfo.processInfo.activeProcessorCount) threads; seconds, median of \(repetitions)")
  for method in ["linear", "task_arithmetic", "ties"] {
    _ = try other.mergeOperator(method)
    let pid = other.snapshot().records.first { $0.shortName.replacing("-", with: "_") == method }?.health?.pid
    var times: ([Double], [Double]) = ([], []), work: ([Double], [Double]) = ([], []), sums: (String?, String?)
    // One of each unmeasured, then in turn, each first as often as the other.
    for repetition in 0...repetitions {
      for isIsolated in repetition % 2 == 0 ? [false, true] : [true, false] {
        files.prepare()
        let before = processorSeconds(and: pid)
        let time = try seconds { try files.merge(method, isIsolated ? other : own) }
        let used = processorSeconds(and: pid) - before
        if isIsolated { sums.1 = try files.checksum() } else { sums.0 = try files.checksum() }
        guard repetition > 0 else { continue }
        if isIsolated {
          times.1.append(time)
          work.1.append(used)
        } else {
          times.0.append(time)
          work.0.append(used)
        }
      }
    }
    let ratios = zip(times.1, times.0).map(/)
    say(
      "\(method): in process \(text(median(times.0))), isolated \(text(median(times.1))), ratio \(text(median(times.1) / median(times.0))) "
        + "(of pairs \(text(ratios.min() ?? 0)) to \(text(ratios.max() ?? 0)), median \(text(median(ratios)))); "
        + "processor time \(text(median(work.0))) and \(text(median(work.1))), ratio \(text(median(work.1) / median(work.0))); same bits: \(sums.0 == sums.1)")
  }
}
