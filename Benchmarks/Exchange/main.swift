internal import CentramNode
internal import CentramPluginAPI
internal import CentramStore
internal import CentramWire
internal import ExchangeSamples
internal import Foundation
internal import Synchronization
internal import Transport_Quic

// A genome over QUIC on the loopback, from nodes of one process to another one in it, against the bulk rate of the same transport, in turn:
//   centram-exchange-bench [MEGABYTES] [GIVERS] [CHUNK_KIB] [ROUNDS]
// Prints JSON, medians: MB/s of a plain stream, MB/s of the chunks alone, MB/s of the transfer from the first want to the durable record, and its ratio to the stream. Weights are no
// tensors, and the gate lets everything through. A virtual machine may have to get memory that lay free from its host, at a cost a page that is none of the exchange's: `makeRoom`.

let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
let megabytes = arguments.first ?? 50, givers = arguments.dropFirst().first ?? 1, chunkKiB = arguments.dropFirst(2).first ?? 1024
let rounds = arguments.dropFirst(3).first ?? 5
let size = megabytes * 1_000_000
guard (1...1024).contains(megabytes), (1...8).contains(givers), (1...1024).contains(chunkKiB), (1...100).contains(rounds) else {
  print("usage: centram-exchange-bench [MEGABYTES 1-1024] [GIVERS 1-8] [CHUNK_KIB 1-1024] [ROUNDS 1-100]")
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

/// One stream of so many bytes, in the pieces that a chunk has; the connection is there before.
func bulk(_ bytes: Int, piece: Int) async throws -> Cost {
  let (first, second) = (try quic([UInt8](repeating: 101, count: 32)), try quic([UInt8](repeating: 102, count: 32)))
  let listener = try await first.listen(on: "quic://127.0.0.1:0"), address = listener.address
  async let accepted = listener.accept()
  let dialled = try await second.dial(address, expecting: nil), answered = try await accepted
  let begin = moment()
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
  let end = moment()
  try? await stream.finish()
  try await sent
  await dialled.close(code: 0, reason: "")
  await listener.close()
  precondition(count == bytes)
  return Cost(begin, end)
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
    // Else its gate would read what it took again, for those that come after it.
    exchange.offer.isEnabled = peers.isEmpty
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

/// Has the system hold free memory for what is to come: four times a genome is written and removed.
func makeRoom() throws {
  let path = folder + "/room", piece = Data(repeating: 1, count: 1 << 20)
  _ = FileManager.default.createFile(atPath: path, contents: nil)
  let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
  for _ in 0..<4 * megabytes { try file.write(contentsOf: piece) }
  try file.close()
  try FileManager.default.removeItem(atPath: path)
}

struct Moment { var time: UInt64 = 0, processor = 0.0 }

/// Now, with the processor time of this process so far, which is both ends'.
@Sendable func moment() -> Moment {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  let seconds = [usage.ru_utime, usage.ru_stime].reduce(0.0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
  return Moment(time: BenchClock().monotonicNanoseconds, processor: seconds)
}

/// Megabytes a second, and nanoseconds of processor time a byte, of both ends.
struct Cost {
  var rate = 0.0, processor = 0.0
  init(_ begin: Moment, _ end: Moment) {
    rate = Double(size) / Double(end.time - begin.time) * 1e3
    processor = (end.processor - begin.processor) / Double(size) * 1e9
  }
}

func startGivers() async throws -> [BenchTrader] {
  var draft = SampleHome.Draft(), running: [BenchTrader] = []
  (draft.size, draft.chunkSize) = (size, chunkKiB << 10)
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
  }
  return running
}

/// A node that was never here before takes the genome.
/// - Returns: the costs of the chunks alone and of the whole.
func exchange(_ number: Int, _ addresses: [String]) async throws -> (chunks: Cost, whole: Cost) {
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
  let taker = try BenchTrader(number, in: folder, peers: addresses, hooks: hooks)
  await taker.start()
  for await _ in stored {}
  // Its gate reads the files; what is measured next would pay for it.
  while try taker.home.store.genomes(state: .accepted).isEmpty { try await Task.sleep(nanoseconds: 5_000_000) }
  await taker.node.stop()
  try FileManager.default.removeItem(atPath: "\(folder)/\(number)")
  let taken = times.withLock { $0 }
  return (Cost(taken.first, taken.whole), Cost(taken.first, taken.stored))
}

let running = try await startGivers()
var addresses: [String] = []
for giver in running { addresses.append("\(await giver.node.key.publicKey)@\(await giver.node.listening[0])") }
var streams: [Cost] = [], chunks: [Cost] = [], exchanges: [Cost] = []
for round in 0..<rounds {
  try makeRoom()
  streams.append(try await bulk(size, piece: chunkKiB << 10))
  try makeRoom()
  let taken = try await exchange(100 + round, addresses)
  chunks.append(taken.chunks)
  exchanges.append(taken.whole)
  FileHandle.standardError.write(Data("stream \(streams[round].rate) exchange \(taken.whole.rate) MB/s\n".utf8))
}
for trader in running { await trader.node.stop() }

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
func rounded(_ value: Double, _ digits: Double = 100) -> Double { (value * digits).rounded() / digits }

let ratio = median(zip(exchanges, streams).map { $0.rate / $1.rate })
let figures: [String: Any] = [
  "megabytes": megabytes, "givers": givers, "chunk_kib": chunkKiB, "rounds": rounds, "ratio": rounded(ratio, 1000),
  "bulk_mb_per_s": rounded(median(streams.map(\.rate)), 10), "chunks_mb_per_s": rounded(median(chunks.map(\.rate)), 10),
  "exchange_mb_per_s": rounded(median(exchanges.map(\.rate)), 10), "bulk_cpu_ns_per_byte": rounded(median(streams.map(\.processor))),
  "chunks_cpu_ns_per_byte": rounded(median(chunks.map(\.processor))), "exchange_cpu_ns_per_byte": rounded(median(exchanges.map(\.processor))),
]
print(String(decoding: try JSONSerialization.data(withJSONObject: figures, options: [.sortedKeys]), as: UTF8.self))
