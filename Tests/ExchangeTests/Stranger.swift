import CentramGenome
import CentramPluginAPI
import CentramStore
import CentramWire
import ExchangeSamples
import Foundation
import NodeWorld
import Synchronization
import Testing

@testable import CentramNode

/// A peer that speaks of genomes as it likes: it has none of its own machinery, notes what it gets, and answers as it is told.
final class Stranger: Sendable {
  let number: Int, node: NetworkNode, world: World
  private let heard = Mutex<[Frame]>([])
  var key: NodeKey { world.key(number).publicKey }

  init(_ number: Int, _ world: World, dialling peers: [Int]) {
    (self.number, self.world) = (number, world)
    node = world.node(number, dialling: peers)
    for type in MessageType.allCases where type.family == .genome || type.family == .lineage {
      node.handlers.on(type) { [weak self] incoming in
        self?.heard.withLock { $0.append(incoming.frame) }
        return nil
      }
    }
  }

  func start() async { await world.start(node, number) }

  /// Answers messages of a type.
  func answer<Message: WireMessage>(_ type: Message.Type, _ body: @escaping @Sendable (Message) async -> (any WireMessage)?) {
    node.handlers.on(type) { [weak self] message, incoming in
      self?.heard.withLock { $0.append(incoming.frame) }
      return await body(message)
    }
  }

  /// Answers requests for chunks.
  func answerChunks(_ body: @escaping @Sendable (WireChunkRequest) async -> LooseGenome.Chunk?) {
    node.handlers.on(WireChunkRequest.self) { [weak self] message, incoming in
      self?.heard.withLock { $0.append(incoming.frame) }
      if let chunk = await body(message) { try await incoming.session.send(chunk.message, bulk: Bulk(chunk.bytes), inReplyTo: incoming.frame.header.sequence) }
      return nil
    }
  }

  /// What came of a type, in order.
  func all<Message: WireMessage>(_ type: Message.Type) -> [Message] {
    heard.withLock { $0 }.filter { $0.type == Message.messageType }.compactMap { try? $0.message(type) }
  }

  func session(with other: Trader) async throws -> PeerSession {
    let id = other.key.description
    await node.wait { peers in peers.contains { $0.id == id && $0.state == .connected } }
    return try #require(await node.session(with: other.key))
  }

  func send(_ message: some WireMessage, to other: Trader) async throws { try await session(with: other).send(message) }

  /// Waits for messages of a type, in virtual time.
  @discardableResult func wait<Message: WireMessage>(for type: Message.Type, count: Int = 1, sourceLocation: SourceLocation = #_sourceLocation) async throws -> [Message] {
    for _ in 0..<1_200 {
      let found = all(type)
      if found.count >= count { return found }
      await world.sleep(50)
    }
    Issue.record("\(all(type).count) of \(count) \(Message.messageType) came", sourceLocation: sourceLocation)
    throw SimulationGivenUp()
  }
}

/// A genome that is in nobody's store, to be given in pieces.
struct LooseGenome: Sendable {
  let manifest: SignedManifest
  let files: [[UInt8]]
  var id: String { manifest.manifest.id }
  var data: Data { Data(Hexadecimal.bytes(id.utf8)!) }

  var summary: WireGenomeSummary {
    OfferCatalogue.summary(manifest.record(.received, now: 0), license: manifest.manifest.license, lift: OfferCatalogue.claimedLift(manifest.manifest), rank: 4)
  }

  var offer: WireGenomeOffer {
    var offer = WireGenomeOffer()
    offer.genomes = [summary]
    return offer
  }

  var message: WireGenomeManifest {
    var message = WireGenomeManifest()
    (message.genome, message.manifest) = (data, try! WireSigned(serializedBytes: Data(manifest.bytes)))
    message.files = zip(manifest.manifest.files, files).map { file, bytes in
      var described = WireGenomeFile()
      (described.name, described.size, described.chunkSize, described.digest) = (
        file.name, UInt64(file.size), UInt32(file.chunkSize), Data(Hexadecimal.bytes(file.sha256.utf8)!)
      )
      described.chunks = bytes.withUnsafeBytes { ChunkHashes.of($0, size: file.chunkSize) }.map { Data($0) }
      return described
    }
    return message
  }

  struct Chunk: Sendable {
    var genome: Data, file = 0, index: Int, bytes: [UInt8]
    var message: WireChunk {
      var message = WireChunk()
      (message.genome, message.file, message.index, message.length) = (genome, UInt32(file), UInt32(index), UInt32(bytes.count))
      return message
    }
  }

  func chunk(_ file: Int, _ index: Int) -> Chunk {
    let size = manifest.manifest.files[file].chunkSize, start = index * size
    return Chunk(genome: data, file: file, index: index, bytes: Array(files[file][start..<min(files[file].count, start + size)]))
  }

  func chunk(for request: WireChunkRequest) -> Chunk { chunk(Int(request.ranges[0].file), Int(request.ranges[0].first)) }

  /// Lets a stranger give it as an honest peer would.
  func give(by stranger: Stranger) {
    let genome = self
    stranger.answer(WireGenomeWant.self) { _ in genome.message }
    stranger.answerChunks { genome.chunk(for: $0) }
  }
}

extension LooseGenome {
  /// - Parameter author: number of the node that signs.
  init(_ number: Int, author: Int, _ world: World, _ folder: Scratch, _ draft: SampleHome.Draft = .init(), sequence: Int64 = 1, previous: String? = nil) throws {
    let clock = world.simulation.clock
    let home = try SampleHome(folder("loose-\(UUID().uuidString)"), seed: world.seed(author), now: { clock.unixMilliseconds })
    (manifest, files) = try home.signed(number, draft, sequence: sequence, previous: previous)
    try home.store.close()
  }
}
