internal import CentramNode
internal import CentramPluginAPI
internal import CentramStore
internal import CentramWire
internal import ExchangeSamples
internal import Foundation
internal import Synchronization
internal import Transport_Quic

// A genome over QUIC on the loopback, from two or three nodes in one process, against the bulk rate of the same transport:
//   centram-exchange-bench [MEGABYTES] [GIVERS] [CHUNK_KIB]
// Prints JSON: MB/s of a plain stream, MB/s of the chunks alone, MB/s of the transfer from the first want to the durable record, and its ratio to the stream. Weights are no tensors,
// and the gate lets everything through.

let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
let megabytes = arguments.first ?? 50, givers = arguments.dropFirst().first ?? 1, chunkKiB = arguments.dropFirst(2).first ?? 1024
guard (1...1024).contains(megabytes), (1...8).contains(givers), (1...1024).contains(chunkKiB) else {
  print("usage: centram-exchange-bench [MEGABYTES 1-1024] [GIVERS 1-8] [CHUNK_KIB 1-1024]")
  exit(64)
}

struct BenchClock: NodeClock {
  var unixMilliseconds: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
  var monotonicNanoseconds: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
  func sleep(until nanoseconds: UInt64) async throws {
    let now = monotonicNanoseconds
    try await Task.sleep(nanoseconds: nanoseconds > now ? nanoseconds - now : 0)
  }
}

struct BenchRandom: RandomService {
  func fill(_ bytes: UnsafeMutableRawBufferPointer) { for index in bytes.indices { bytes[index] = .random(in: 0...255) } }
}

struct BenchServices: HostServices, IdentityService {
  let seed: [UInt8], key: SigningKey
  func service(_ id: String) -> (any Sendable)? {
    switch id {
    case "centram.identity/1": self
    case "centram.clock/1": BenchClock()
    default: nil
    }
  }
  func log(_ level: LogLevel, _ message: String) {}
  var publicKey: [UInt8] { key.publicKey.bytes }
  func sign(_ message: [UInt8]) throws(PluginError) -> [UInt8] { throw PluginError(.unsupported, "the benchmark signs nothing for plugins") }
  func exportSeed() throws(PluginError) -> [UInt8] { seed }
}

func quic(_ seed: [UInt8]) throws -> any Transport {
  let door = "centram.swift/1".withCString { Transport_Quic.centramPluginDescriptor().pointee.get_interface($0) }
  guard let door, case .transport(let make) = Unmanaged<PluginBox>.fromOpaque(door).takeRetainedValue().capability else { throw PluginError(.invalid, "no transport") }
  return try make(PluginEnvironment(services: BenchServices(seed: seed, key: try SigningKey(seed: seed)), configurationJSON: "{}"))
}

/// Bytes a second of one stream, in the pieces that a chunk has.
func bulk(_ bytes: Int, piece: Int) async throws -> Double {
  let (first, second) = (try quic([UInt8](repeating: 101, count: 32)), try quic([UInt8](repeating: 102, count: 32)))
  let listener = try await first.listen(on: "quic://127.0.0.1:0"), address = listener.address
  async let accepted = listener.accept()
  let dialled = try await second.dial(address, expecting: nil), answered = try await accepted
  let begun = BenchClock().monotonicNanoseconds
  async let sent: Void = send(bytes, piece: piece, over: dialled)
  let stream = try await answered.acceptStream()
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
  defer { buffer.deallocate() }
  var count = 0
  while true {
    let got = try await stream.receive(into: buffer)
    guard got > 0 else { break }
    count += got
  }
  let seconds = Double(BenchClock().monotonicNanoseconds - begun) / 1e9
  try? await stream.finish()
  try await sent
  await dialled.close(code: 0, reason: "")
  await listener.close()
  return Double(count) / seconds
}

func send(_ bytes: Int, piece: Int, over connection: any TransportConnection) async throws {
  let stream = try await connection.openStream()
  let data = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 64)
  defer { data.deallocate() }
  data.initializeMemory(as: UInt8.self, repeating: 7)
  for left in stride(from: bytes, to: 0, by: -piece) { try await stream.send(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(data)[..<min(piece, left)])) }
  try await stream.finish()
}

final class BenchTrader: Sendable {
  let home: SampleHome, node: NetworkNode, exchange: GenomeExchange

  init(_ number: Int, in folder: String, peers: [String], hooks: ExchangeHooks = ExchangeHooks()) throws {
    let seed = [UInt8](repeating: UInt8(number), count: 32)
    home = try SampleHome("\(folder)/\(number)", seed: seed, now: { BenchClock().unixMilliseconds })
    var settings = NodeSettings()
    settings.listen = ["quic://127.0.0.1:0"]
    settings.peers = try peers.map { try PeerReference($0) }
    node = NetworkNode(settings: settings, key: try SigningKey(seed: seed), transports: [try quic(seed)], clock: BenchClock(), random: BenchRandom())
    var exchange = ExchangeSettings()
    exchange.want.maximumBytes = 2 << 30
    self.exchange = try GenomeExchange(
      node: node, library: home.library, judge: try JudgeDouble(store: home.store, clock: BenchClock()), settings: exchange, hooks: hooks)
    self.exchange.register(with: node.handlers)
  }

  func start() async {
    Task { try await node.run() }
    Task { await exchange.run() }
    await node.waitUntilStarted()
  }
}

let folder = NSTemporaryDirectory() + "/centram-exchange-bench-\(UUID().uuidString)"
try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
defer { try? FileManager.default.removeItem(atPath: folder) }
let size = megabytes * 1_000_000

var draft = SampleHome.Draft()
(draft.size, draft.chunkSize) = (size, chunkKiB << 10)
var addresses: [String] = [], running: [BenchTrader] = []
for number in 1...givers {
  let giver = try BenchTrader(number, in: folder, peers: [])
  // The same genome at each: the first made it, the others took it in.
  if number == 1 {
    try giver.home.make(1, draft)
  } else {
    let made = try running[0].home.store.genomes(state: .own)[0]
    for file in made.files { _ = try giver.home.store.put(path: running[0].home.store.path(ofBlob: file.hash), now: 1) }
    let signed = try running[0].home.store.signedManifest(made.id) ?? []
    _ = try giver.home.store.add(try SignedManifest(bytes: signed, name: "manifest").record(.received, now: 1), signed: signed)
    try giver.home.store.decide(made.id, .accepted, advancesLog: true, now: 2)
  }
  await giver.start()
  running.append(giver)
  addresses.append("\(await giver.node.key.publicKey)@\(await giver.node.listening[0])")
}
struct Moment { var time: UInt64 = 0, processor = 0.0 }

/// Now, with the processor time of this process so far, which is both ends'.
@Sendable func moment() -> Moment {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  let seconds = [usage.ru_utime, usage.ru_stime].reduce(0.0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
  return Moment(time: BenchClock().monotonicNanoseconds, processor: seconds)
}

/// Nanoseconds of processor time a byte, of both ends.
func cost(_ begin: Moment, _ end: Moment, _ bytes: Int) -> Double { ((end.processor - begin.processor) / Double(bytes) * 1e11).rounded() / 100 }

let times = Mutex<(first: Moment, whole: Moment, stored: Moment)>((Moment(), Moment(), Moment()))
let (stored, done) = AsyncStream<Void>.makeStream()
var hooks = ExchangeHooks()
hooks.reached = { step in
  let now = moment()
  switch step {
  case .manifestReceived: times.withLock { if $0.first.time == 0 { $0.first = now } }
  case .chunksComplete: times.withLock { $0.whole = now }
  case .genomeStored:
    times.withLock { $0.stored = now }
    done.finish()
  default: break
  }
}
let taker = try BenchTrader(100, in: folder, peers: addresses, hooks: hooks)
await taker.start()
for await _ in stored {}
let taken = times.withLock { $0 }
let inFlight = Double(taken.whole.time - taken.first.time) / 1e9, exchanged = Double(size) / (Double(taken.stored.time - taken.first.time) / 1e9)
for trader in running + [taker] { await trader.node.stop() }
FileHandle.standardError.write(Data("exchange \(exchanged)\n".utf8))
let before = moment()
let rate = try await bulk(size, piece: chunkKiB << 10)
let after = moment()
let figures: [String: Any] = [
  "megabytes": megabytes, "givers": givers, "chunk_kib": chunkKiB, "bulk_mb_per_s": (rate / 1e5).rounded() / 10, "exchange_mb_per_s": (exchanged / 1e5).rounded() / 10,
  "chunks_mb_per_s": (Double(size) / inFlight / 1e5).rounded() / 10, "ratio": (exchanged / rate * 1000).rounded() / 1000,
  "bulk_cpu_ns_per_byte": cost(before, after, size), "exchange_cpu_ns_per_byte": cost(taken.first, taken.stored, size),
  "chunks_cpu_ns_per_byte": cost(taken.first, taken.whole, size), "chunks": taker.exchange.counters.all["chunksReceived"] ?? 0,
]
print(String(decoding: try JSONSerialization.data(withJSONObject: figures, options: [.sortedKeys]), as: UTF8.self))
