internal import CentramStore
internal import CentramWire
internal import Foundation

/// Fetches the chunks of one genome from several peers at once. A chunk that a peer does not send in time goes to another one; a wrong one costs its
/// peer the transfer. What came is in partial files, so that another transfer, also of another process, goes on from there.
actor GenomeTransfer {
  enum End: Sendable {
    case whole
    /// Nobody is left who gives what is missing.
    case noSource
    case storage(StoreError)
    /// It is not wanted any more.
    case stopped
  }

  /// What a peer gave.
  struct Share: Sendable, Equatable { var chunks = 0, bytes = 0 }

  struct Environment: Sendable {
    var node: NetworkNode
    var settings: ExchangeSettings
    var counters: ExchangeCounters
    var quota: ExchangeQuota
    var scope: TaskScope
    var reached: @Sendable (ExchangeStep) -> Void
  }

  nonisolated let manifest: TransferManifest
  nonisolated let environment: Environment
  nonisolated let begun: UInt64
  private var plan: ChunkPlan
  /// Nil for a file that is in the store already; empty once it is over.
  private var partials: [PartialBlob?]
  private var workers: [NodeKey: Int] = [:]
  private var strikes: [NodeKey: Int] = [:]
  /// Peers that gave something wrong, or nothing in time.
  private(set) var dropped: Set<NodeKey> = []
  /// Peers that were not connected when they were asked.
  private var absent: Set<NodeKey> = []
  private(set) var shares: [NodeKey: Share] = [:]
  private(set) var end: End?
  private let ended = Signal()
  private var progress = Signal()

  static let mostStrikes = 3

  init(_ manifest: TransferManifest, _ opened: OpenedPartials, _ environment: Environment) {
    (self.manifest, self.environment, begun) = (manifest, environment, environment.node.clock.monotonicNanoseconds)
    (partials, plan) = (opened.partials, ChunkPlan(done: opened.done))
  }

  private var settings: ExchangeSettings { environment.settings }
  private var counters: ExchangeCounters { environment.counters }
  private var now: UInt64 { environment.node.clock.monotonicNanoseconds }
  var chunksLeft: Int { plan.left }
  var sources: [NodeKey] { workers.keys.sorted() }

  /// Suspends until every chunk is there, or cannot be had.
  /// - Returns: why it ended, and the partial files where it is whole.
  func run() async -> (end: End, partials: [PartialBlob?]) {
    if plan.isWhole { finish(.whole) } else if workers.isEmpty { finish(.noSource) }
    await ended.wait()
    let end = end ?? .stopped
    self.end = end
    defer { partials = [] }
    if case .whole = end { return (end, partials) }
    return (end, [])
  }

  func stop() { finish(.stopped) }

  /// Asks one more peer for what is missing.
  func join(_ peer: NodeKey) {
    guard end == nil, workers[peer] == nil, !dropped.contains(peer) else { return }
    guard workers.count < settings[.sourcesPerTransfer] else { return counters.reached(.sourcesPerTransfer) }
    absent.remove(peer)
    let count = min(settings[.chunkRequestsPerPeer], max(1, plan.left))
    workers[peer] = count
    for _ in 0..<count { environment.scope.start { await self.work(peer) } }
  }

  /// A peer stops giving this genome.
  func leave(_ peer: NodeKey) {
    dropped.insert(peer)
    wake()
  }

  /// Whether a chunk that comes by itself was asked of the peer in this transfer.
  func wasAsked(_ chunk: ChunkPlan.Chunk, of peer: NodeKey) -> Bool { plan.has(chunk) && (workers[peer] != nil || shares[peer] != nil) }

  private func finish(_ end: End) {
    guard self.end == nil else { return }
    self.end = end
    ended.send()
    progress.send()
  }

  private func wake() {
    let old = progress
    progress = Signal()
    old.send()
  }

  // MARK: One of the requests that a peer has at a time

  private func work(_ peer: NodeKey) async {
    while end == nil, !dropped.contains(peer), !absent.contains(peer), !Task.isCancelled {
      guard environment.quota.mayReceive(from: peer, settings, counters) else {
        dropped.insert(peer)
        break
      }
      if let next = plan.next(for: peer, now: now, patience: UInt64(settings[.stealMilliseconds]) * 1_000_000) {
        if next.isStolen { counters.reached(.stealMilliseconds) }
        await ask(next.chunk, of: peer)
      } else {
        await waitForProgress()
      }
    }
    workers[peer, default: 1] -= 1
    if workers[peer] == 0 { workers[peer] = nil }
    if workers.isEmpty { finish(Task.isCancelled ? .stopped : .noSource) }
  }

  private func waitForProgress() async {
    let signal = progress
    _ = try? await environment.node.clock.withDeadline(milliseconds: settings[.stealMilliseconds]) {
      signal.send()
    } _: {
      await signal.wait()
    }
    // A signal that ran out is none that the next one could wait for.
    if signal === progress, signal.hasHappened { progress = Signal() }
  }

  private func ask(_ chunk: ChunkPlan.Chunk, of peer: NodeKey) async {
    guard let session = await environment.node.session(with: peer) else { return gone(chunk, peer) }
    var request = WireChunkRequest(), range = WireChunkRange()
    (range.file, range.first, range.count) = (UInt32(chunk.file), UInt32(chunk.index), 1)
    (request.genome, request.ranges) = (Data(Hexadecimal.bytes(manifest.id.utf8) ?? []), [range])
    let frame: Frame
    do throws(SessionError) {
      frame = try await session.requestFrame(request, milliseconds: settings[.chunkMilliseconds])
    } catch {
      guard end == nil else { return }
      switch error.code {
      case .disconnected, .closed: return gone(chunk, peer)
      case .timedOut:
        counters.reached(.chunkMilliseconds)
        await strike(chunk, peer, .timedOut)
      default: await strike(chunk, peer, .timedOut, waiting: true)
      }
      return
    }
    guard end == nil else { return }
    switch frame.type {
    case .chunk: await take(frame, chunk, peer)
    case .chunkMissing:
      counters.add(.missingChunks)
      if (try? frame.message(WireChunkMissing.self))?.permanent == true { dropped.insert(peer) }
      await strike(chunk, peer, .notNeeded, waiting: true)
    default:
      await environment.node.misbehaved(peer, 10)
      dropped.insert(peer)
      gone(chunk, peer)
    }
  }

  /// The peer is not there any more, and that is no fault.
  private func gone(_ chunk: ChunkPlan.Chunk, _ peer: NodeKey) {
    plan.giveBack(chunk, peer)
    absent.insert(peer)
    wake()
  }

  private func strike(_ chunk: ChunkPlan.Chunk, _ peer: NodeKey, _ reason: WireAbortReason, waiting: Bool = false) async {
    plan.giveBack(chunk, peer)
    wake()
    strikes[peer, default: 0] += 1
    let count = strikes[peer] ?? 0
    guard count < Self.mostStrikes * (waiting ? settings[.chunkRequestsPerPeer] : 1) else {
      guard dropped.insert(peer).inserted else { return }
      return await abort(peer, reason, "the peer did not give what it offered")
    }
    if waiting { try? await environment.node.clock.sleep(milliseconds: 100 << min(count, 5)) }
  }

  private func take(_ frame: Frame, _ chunk: ChunkPlan.Chunk, _ peer: NodeKey) async {
    environment.reached(.chunkReceived)
    let message: WireChunk
    do throws(WireError) { message = try frame.message() } catch {
      await environment.node.misbehaved(peer, 10)
      return await wrong(chunk, peer)
    }
    guard message.genome.elementsEqual(Hexadecimal.bytes(manifest.id.utf8) ?? []), Int(message.file) == chunk.file, Int(message.index) == chunk.index else {
      return await wrong(chunk, peer)
    }
    guard partials.indices.contains(chunk.file), let partial = partials[chunk.file] else { return }
    guard let bulk = frame.bulk else { return await wrong(chunk, peer) }
    switch await Self.keep(bulk, chunk, manifest, partial) {
    case .success(true): break
    case .success(false): return await wrong(chunk, peer)
    case .failure(let error):
      counters.add(.transfersAborted)
      return finish(.storage(error))
    }
    environment.reached(.chunkWritten)
    counters.add(.chunksReceived)
    counters.add(.bytesReceived, bulk.count)
    environment.quota.didReceive(bulk.count, from: peer)
    shares[peer, default: Share()].chunks += 1
    shares[peer, default: Share()].bytes += bulk.count
    if !plan.finish(chunk) { counters.add(.chunksRepeated) }
    wake()
    if plan.isWhole { return finish(.whole) }
    if let error = await Self.advance(partial, past: plan.prefix[chunk.file], chunk.file, manifest), end == nil { finish(.storage(error)) }
  }

  /// Off the actor too.
  private nonisolated static func advance(_ partial: PartialBlob, past count: Int, _ file: Int, _ manifest: TransferManifest) async -> StoreError? {
    guard count > 0 else { return nil }
    do throws(StoreError) { try partial.advance(to: manifest.range(of: ChunkPlan.Chunk(file: file, index: count - 1)).upperBound) } catch { return error }
    return nil
  }

  /// Off the actor, so that chunks of several peers are hashed side by side.
  private nonisolated static func keep(_ bulk: Bulk, _ chunk: ChunkPlan.Chunk, _ manifest: TransferManifest, _ partial: PartialBlob) async -> Result<Bool, StoreError> {
    defer { withExtendedLifetime(bulk) {} }
    guard manifest.isRight(bulk.bytes, chunk) else { return .success(false) }
    do throws(StoreError) {
      try partial.write(bulk.bytes, at: manifest.range(of: chunk).lowerBound)
      return .success(true)
    } catch { return .failure(error) }
  }

  private func wrong(_ chunk: ChunkPlan.Chunk, _ peer: NodeKey) async {
    counters.add(.badChunks)
    plan.giveBack(chunk, peer)
    wake()
    guard dropped.insert(peer).inserted else { return }
    await environment.node.misbehaved(peer, 25)
    await abort(peer, .badChunk, "chunk \(chunk.index) of \(manifest.files[chunk.file].name) is not the one whose hash the author signed", chunk)
  }

  /// Tells a peer that nothing more is fetched from it.
  func abort(_ peer: NodeKey, _ reason: WireAbortReason, _ sentence: String, _ chunk: ChunkPlan.Chunk? = nil) async {
    counters.add(.transfersAborted)
    var message = WireTransferAbort()
    (message.genome, message.reason, message.message) = (Data(Hexadecimal.bytes(manifest.id.utf8) ?? []), reason, sentence)
    (message.resumable, message.bytesReceived) = (reason != .badManifest && reason != .notNeeded, UInt64(shares[peer]?.bytes ?? 0))
    if let chunk { (message.badChunk.file, message.badChunk.first, message.badChunk.count) = (UInt32(chunk.file), UInt32(chunk.index), 1) }
    _ = try? await environment.node.session(with: peer)?.send(message)
  }
}
