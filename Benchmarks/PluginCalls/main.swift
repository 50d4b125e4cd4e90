// What the plugin boundary costs: calls side by side with the same code in this executable, loading, swapping.
//
//   centram-plugin-bench [FOLDER]     FOLDER: more plugins to load; merge operators in it are called as well

internal import CentramHost
internal import CentramPackaging
internal import CentramPluginAPI
internal import Foundation

if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "describe" {
  do { print(try PluginPackager.describe(CommandLine.arguments[2]).json) } catch {
    FileHandle.standardError.write(Data("\(error.message)\n".utf8))
    exit(1)
  }
} else {
  do { try measureAll() } catch { print("\(error)") }
}

struct LocalPing: EconomyRule {
  func postings(for event: EconomyEvent, in view: any LedgerView) throws(PluginError) -> [Posting] { [] }
}

struct EmptyView: LedgerView {
  func owner(ofGenome id: String) -> String? { nil }
  func generation(ofGenome id: String) -> Int? { nil }
  func parents(ofGenome id: String) -> [LineageEntry.Parent] { [] }
  func balance(ofAccount account: String) -> Int64? { nil }
}

/// One element in one block.
final class OneElement: MergeDriver, @unchecked Sendable {
  let memory = UnsafeMutablePointer<Float>.allocate(capacity: 2)
  let input: UnsafeMutablePointer<UnsafePointer<Float>> = .allocate(capacity: 1)
  init() {
    memory.initialize(repeating: 1, count: 2)
    input.initialize(to: UnsafePointer(memory))
  }
  func stripeCount(_ granularity: BlockGranularity) -> Int { 1 }
  func run(
    _ granularity: BlockGranularity, inputs: [Int]?, writingOutput: Bool, _ body: @Sendable (Int, MergeBlock) throws(PluginError) -> Void
  ) throws(PluginError) { try body(0, MergeBlock(offset: 0, count: 1, inputs: input, output: memory + 1)) }
}

/// Nanoseconds a call: the best of many rounds, two candidates in turn so that both meet the same disturbances.
@MainActor func nanoseconds(_ count: Int, _ a: () throws -> Void, _ b: () throws -> Void) rethrows -> (Double, Double) {
  let clock = SystemClock()
  var best = (Double.infinity, Double.infinity)
  for _ in 0..<15 {
    let start = clock.monotonicNanoseconds
    for _ in 0..<count { try a() }
    let middle = clock.monotonicNanoseconds
    for _ in 0..<count { try b() }
    let end = clock.monotonicNanoseconds
    best = (min(best.0, Double(middle - start) / Double(count)), min(best.1, Double(end - middle) / Double(count)))
  }
  return best
}

@MainActor func measureAll() throws {
  let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
  let built = URL(fileURLWithPath: executable).deletingLastPathComponent().path
  let folder = NSTemporaryDirectory() + "/centram-plugin-bench-\(UUID().uuidString)"
  defer { try? FileManager.default.removeItem(atPath: folder) }
  let keys = PluginSignature.makeKeyPair()
  let packager = PluginPackager(describeCommand: [executable, "describe"], publisher: "bench", key: PublisherKey(seed: Array(keys.secretKey.prefix(32))))
  for name in try FileManager.default.contentsOfDirectory(atPath: built).sorted() where name.hasPrefix("libcentram_") || name.hasPrefix("libcentramfixture_") {
    guard name.hasSuffix(".so") else { continue }
    // As Scripts/install ships them.
    let copy = NSTemporaryDirectory() + "/\(UUID().uuidString)-\(name)"
    defer { try? FileManager.default.removeItem(atPath: copy) }
    try FileManager.default.copyItem(atPath: "\(built)/\(name)", toPath: copy)
    let strip = try Process.run(URL(fileURLWithPath: "/usr/bin/strip"), arguments: ["--strip-unneeded", copy])
    strip.waitUntilExit()
    _ = try packager.pack(copy, into: folder)
  }

  // Loading, with every check: signature, hash, all of the library.
  let trust = TrustPolicy(publishers: [.init(name: "bench", key: keys.publicKey, ids: ["*"])], untrusted: .refuse)
  let host = PluginHost(configuration: HostConfiguration(folders: [folder], trust: trust))
  let clock = SystemClock(), start = clock.monotonicNanoseconds
  host.discover()
  let found = clock.monotonicNanoseconds
  var times: [(nanoseconds: UInt64, title: String)] = []
  for record in host.snapshot().records {
    let begin = clock.monotonicNanoseconds
    try host.load(id: record.id, range: VersionRange(record.version?.description ?? "*"))
    times.append((clock.monotonicNanoseconds - begin, record.title))
  }
  func milliseconds(_ nanoseconds: UInt64) -> String { String(format: "%.2f ms", Double(nanoseconds) / 1e6) }
  times.sort { $0.nanoseconds < $1.nanoseconds }
  print("\(times.count) plugins: found in \(milliseconds(found - start)), checked and loaded in \(milliseconds(times.reduce(0) { $0 + $1.nanoseconds }))")
  // One that brings a large library of others with it costs what the system's loader needs for that.
  print("median \(milliseconds(times[times.count / 2].nanoseconds)), slowest", times.suffix(3).map { "\($0.title) \(milliseconds($0.nanoseconds))" }.joined(separator: ", "))

  // A synchronous call, here and across the boundary.
  let local: any EconomyRule = CommandLine.arguments.count > 99 ? try host.economyRule("test.ping") : LocalPing()
  let plugin = try host.economyRule("test.ping")
  let event = EconomyEvent(type: "payment", amount: 1, subject: "", payer: "", payee: ""), view = EmptyView()
  var posted = 0
  let call = try nanoseconds(2_000_000) {
    posted += try local.postings(for: event, in: view).count
  } _: {
    posted += try plugin.postings(for: event, in: view).count
  }
  print(String(format: "synchronous call: local %.2f ns, plugin %.2f ns, difference %.2f ns", call.0, call.1, call.1 - call.0), posted == 0 ? "" : "?")

  // A hot swap: find the other version and put it in the slot.
  let slot = PluginSlot<any MergeOperator>(try host.mergeOperator("test.swap@1.0.0"))
  let swap = try nanoseconds(1000) {
    slot.swap(to: try host.mergeOperator("test.swap@1.1.0"))
  } _: {
    slot.swap(to: try host.mergeOperator("test.swap@1.0.0"))
  }
  print(String(format: "hot swap to a loaded version: %.1f µs", max(swap.0, swap.1) / 1000))

  guard CommandLine.arguments.count == 2 else { return }
  let others = PluginHost(configuration: HostConfiguration(folders: [CommandLine.arguments[1]]))
  for record in others.discover().usable(.mergeOperator) {
    guard let other = try others.mergeOperator(record.id) as? any TensorMerging, let linear = try host.mergeOperator("merge.linear") as? any TensorMerging else { continue }
    let parameters = Parameters(shared: ["normalize": .boolean(true), "gain": .number(1)], perInput: [["weight": .number(1)]])
    let request = MergeRequest(tensor: "w", shape: [1], models: ["a"], baseIndex: nil, parameters: parameters, driver: OneElement())
    let merge = try nanoseconds(100_000) {
      try linear.merge(request)
    } _: {
      try other.merge(request)
    }
    print(
      String(
        format: "merge of one element: merge.linear (swift) %.0f ns, %@ (%@) %.0f ns", merge.0, record.id, record.lanes.map(\.rawValue).sorted().joined(separator: "+"), merge.1))
  }
}
