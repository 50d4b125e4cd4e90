// A host of its own that injects faults while it merges: FOLDER RUNNER FAULTS SEED. Prints what it counted as one line of JSON.
// A process of its own, since it counts its descriptors and children.
internal import CentramHost
internal import CentramIsolation
internal import CentramPluginAPI
internal import CentramPluginTesting
internal import Foundation
internal import Synchronization

struct Count: Codable {
  var faults = 0, errors = 0, servedAfterwards = 0
  var unexpected: [String] = []
  var mergesInProcess = 0, mergesIsolated = 0
  var restarts = 0, slowestRestartMilliseconds = 0.0
  var descriptorsBefore = 0, descriptorsAfter = 0, childrenLeft = 0
  var residentBefore = 0, residentAfter = 0
}

func descriptors() -> Int { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? -1 }
func resident() -> Int {
  let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
  return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * Int(getpagesize())
}

func host(_ folder: String, isolating: Bool, runner: String) -> PluginHost {
  var settings = IsolationConfiguration(runner: runner)
  (settings.memoryBytes, settings.restartDelays, settings.failureLimit) = (128 << 20, [], .max)
  settings.callSeconds = [.mergeOperator: 3, .gateLayer: 3]
  let host = PluginHost(
    configuration: HostConfiguration(
      folders: [folder], trust: TrustPolicy(untrusted: isolating ? .isolate : .allow), isolation: ProcessIsolation(settings)))
  host.discover()
  return host
}

func merged(_ operation: any MergeOperator, _ shared: [String: ParameterValue]) throws -> [Float] {
  guard let merging = operation as? any TensorMerging else { throw PluginError(.unsupported, "no tensors") }
  return try OperatorHarness.merge(merging, [[1, 2, 3, 4], [3, 2, 1, 0]], shape: [4], parameters: Parameters(shared: shared, perInput: [[:], [:]]), blockSize: 2)
}

/// Merges with a well-behaved operator until told to stop, and counts.
final class Server: Sendable {
  let count = Atomic<Int>(0), isStopping = Atomic(false), failure = Mutex<String?>(nil), isDone = DispatchSemaphore(value: 0)

  init(_ operation: any MergeOperator) {
    let thread = Thread { [self] in
      let expected: [Float] = [0, 1, 2, 3]
      while !isStopping.load(ordering: .relaxed) {
        do {
          let result = try merged(operation, ["shift": .number(1)])
          if result != expected { failure.withLock { $0 = "\(result)" } }
          count.add(1, ordering: .relaxed)
        } catch { failure.withLock { $0 = "\(error)" } }
      }
      isDone.signal()
    }
    thread.start()
  }

  func stop() -> (Int, String?) {
    isStopping.store(true, ordering: .relaxed)
    isDone.wait()
    return (count.load(ordering: .relaxed), failure.withLock { $0 })
  }
}

func inject(_ arguments: [String]) throws -> Count {
  let folder = arguments[1], runner = arguments[2], faults = Int(arguments[3]) ?? 0
  var random = SplitMix(state: UInt64(arguments[4]) ?? 0), count = Count()
  // Ends first, then what the system refuses, then words on the channel.
  let modes = [
    "crash", "abort", "exit", "trap", "leak", "stack", "close", "write-input", "open", "socket", "fork", "exec", "kill-parent", "kill-from-thread", "limit-parent",
    "memory-file", "garbage", "short", "forge", "giant",
  ]
  let policies = ["accept twice", "nothing", "boost", "strange"]
  do {
    let faulty = host(folder, isolating: true, runner: runner)
    let operation = try faulty.mergeOperator("fault"), layer = try faulty.gateLayer("policy")
    _ = try merged(operation, [:])
    let inProcess = Server(try host(folder, isolating: false, runner: runner).mergeOperator("center"))
    let isolated = Server(try faulty.mergeOperator("center"))
    count.descriptorsBefore = descriptors()
    count.residentBefore = resident()
    for index in 0..<faults {
      // A hang takes as long as its limit, so there are few.
      let mode = index % 200 == 199 ? "hang" : modes[Int(random.next() % UInt64(modes.count))]
      let place = random.next() % 2 == 0 || mode == "write-input" ? "block" : ""
      count.faults += 1
      do {
        if index % 25 == 24 {
          _ = try judge(layer, policies[Int(random.next() % 4)])
        } else {
          _ = try merged(operation, ["mode": .string(mode), "place": .string(place)])
        }
        count.unexpected.append("\(mode) \(place): no error")
      } catch is PluginError { count.errors += 1 } catch { count.unexpected.append("\(mode) \(place): \(error)") }
      let start = ContinuousClock.now
      do {
        if try merged(operation, [:]) == [2, 4, 6, 8] { count.servedAfterwards += 1 }
      } catch { count.unexpected.append("after \(mode) \(place): \(error)") }
      count.slowestRestartMilliseconds = max(count.slowestRestartMilliseconds, (ContinuousClock.now - start) / .milliseconds(1))
    }
    for (server, name) in [(inProcess, "in process"), (isolated, "isolated")] {
      let (merges, failure) = server.stop()
      if name == "isolated" { count.mergesIsolated = merges } else { count.mergesInProcess = merges }
      if let failure { count.unexpected.append("\(name): \(failure)") }
    }
    count.restarts = faulty.snapshot().records.compactMap { $0.health?.restarts }.reduce(0, +)
    count.descriptorsAfter = descriptors()
    count.residentAfter = resident()
  }
  // All hosts are gone, and their children with them.
  let end = ContinuousClock.now + .seconds(10)
  var status: Int32 = 0
  while waitpid(-1, &status, WNOHANG) != -1, ContinuousClock.now < end { usleep(1000) }
  count.childrenLeft = waitpid(-1, &status, WNOHANG) == -1 ? 0 : 1
  return count
}

func judge(_ layer: any GateLayer, _ policy: String) throws -> Verdict {
  final class Box: Sendable { let result = Mutex<Result<Verdict, PluginError>?>(nil) }
  let box = Box(), done = DispatchSemaphore(value: 0)
  Task.detached {
    let candidate = GenomeCandidate(
      direction: .inbound, contentHash: [UInt8](repeating: 1, count: 32), manifest: [], manifestSignature: [UInt8](repeating: 2, count: 64), adapterConfiguration: [],
      weights: UnsafeRawBufferPointer(start: nil, count: 0), policyJSON: policy)
    let result: Result<Verdict, PluginError>
    do throws(PluginError) { result = .success(try await layer.judge(candidate)) } catch { result = .failure(error) }
    box.result.withLock { $0 = result }
    done.signal()
  }
  done.wait()
  return try box.result.withLock { $0 }?.get() ?? Verdict(.accept)
}

/// Steele, Lea and Flood, 2014, https://doi.org/10.1145/2714064.2660195
struct SplitMix {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}

let count = try inject(CommandLine.arguments)
let encoder = JSONEncoder()
encoder.outputFormatting = [.sortedKeys]
print(String(decoding: try encoder.encode(count), as: UTF8.self))
