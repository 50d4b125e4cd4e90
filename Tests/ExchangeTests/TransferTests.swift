import CentramStore
import CentramWire
import ExchangeSamples
import Foundation
import NodeWorld
import Synchronization
import Testing

@testable import CentramNode

/// Genomes that go from node to node.
@Suite struct TransferTests {
  @Test func aGenomeIsOfferedFetchedJudgedAndItsAuthorIsTold() throws {
    try inWorld { world, folder in
      let heard = Mutex<[String]>([]), taken = Mutex<[String]>([])
      let a = try Trader(1, in: folder, world) { $0.hooks.onVerdict = { signer, verdict in heard.withLock { $0.append("\(signer) \(verdict.outcome)") } } }
      let b = try Trader(2, in: folder, world, dialling: [1]) { $0.hooks.onAccepted = { id, report in taken.withLock { $0.append("\(id) \(report.isAccepted)") } } }
      let genome = try a.home.make(1)
      await a.start()
      await b.start()
      try await b.wait { $0.state(genome.id) == .accepted }
      try await a.wait { $0.exchange.counters[.acceptancesReceived] == 1 }
      let (chunks, bytes) = (b.exchange.counters[.chunksReceived], b.exchange.counters[.bytesReceived])
      #expect(chunks == 4 && bytes == UInt64(genome.size))
      for file in genome.files { try b.store.verify(file.hash) }
      #expect(taken.withLock { $0 } == ["\(genome.id) true"])
      #expect(heard.withLock { $0 } == ["\(b.key) accept"])
      #expect(a.exchange.counters[.completionsReceived] == 1 && a.exchange.counters[.chunksSent] == 4)
      let record = try b.store.genome(genome.id)
      #expect(record.manifest == genome.manifest && record.signature == genome.signature)
      // Nothing is left of the transfer but the genome.
      #expect(b.store.partialBytes() == 0)
    }
  }
}
