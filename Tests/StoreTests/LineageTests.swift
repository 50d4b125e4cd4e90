import CentramStore
import Foundation
import GRDB
import StoreSamples
import Testing

@Suite struct LineageTests {
  let folder = try! TemporaryFolder()
  let store: GenomeStore

  init() throws { store = try GenomeStore(folder: folder("genomes")) }

  @Test func ancestorsAndDescendantsOfAMergeAreFound() throws {
    for sample in [
      Sample(1, author: 1), Sample(2, author: 2), Sample(3, author: 3, parents: [1, 2], generation: 1), Sample(4, author: 4, parents: [3, 99], generation: 2),
      Sample(5, author: 5),
    ] { try sample.add(to: store) }
    let (ancestors, descendants) = (try store.ancestors(of: Sample.id(4)), try store.descendants(of: Sample.id(1)))
    #expect(Set(ancestors) == Set([1, 2, 3, 99].map(Sample.id)) && Set(descendants) == Set([3, 4].map(Sample.id)))
    let graph = try store.lineage(of: Sample.id(3))
    #expect(graph.genomes.map(\.id) == [1, 2].map(Sample.id).sorted() + [3, 4].map(Sample.id) && graph.unknown.isEmpty)
    #expect(
      Set(graph.edges) == [
        .init(child: Sample.id(3), parent: Sample.id(1), basisPoints: 5000), .init(child: Sample.id(3), parent: Sample.id(2), basisPoints: 5000),
        .init(child: Sample.id(4), parent: Sample.id(3), basisPoints: 5000),
      ])
    let all = try store.lineage(of: Sample.id(4))
    #expect(all.unknown == [Sample.id(99)] && all.edges.count == 4)
  }

  /// 20,000 generations, and a circle, which no honest node makes.
  @Test func deepAndCircularLineagesEnd() throws {
    let count = 20_000
    try store.close()
    let queue = try DatabaseQueue(path: folder("genomes/genomes.sqlite"))
    try queue.write { db in
      let (base, author, signature) = (Sample.hash("base"), Sample.key(1), Data(count: 64))
      for number in 0..<count {
        try db.execute(
          sql: "INSERT INTO genomes VALUES (?, ?, ?, ?, NULL, ?, 'text', 'adapter', 1, 0, x'', ?, 'received', 1, 0)",
          arguments: [Sample.id(number), base, author, number + 1, number, signature])
        try db.execute(sql: "INSERT INTO parents VALUES (?, 0, ?, 10000)", arguments: [Sample.id(number), Sample.id(number == 0 ? count - 1 : number - 1)])
      }
    }
    try queue.close()
    let reopened = try GenomeStore(folder: folder("genomes"))
    let (up, down) = (try reopened.ancestors(of: Sample.id(7)), try reopened.descendants(of: Sample.id(7)))
    #expect(Set(up).count == count - 1 && Set(down).count == count - 1)
  }
}
