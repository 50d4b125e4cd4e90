internal import GRDB

/// Genomes and who descends from whom.
public struct LineageGraph: Sendable, Equatable {
  public struct Edge: Sendable, Equatable, Hashable {
    public var child: String, parent: String
    public var basisPoints: Int
    public init(child: String, parent: String, basisPoints: Int) { (self.child, self.parent, self.basisPoints) = (child, parent, basisPoints) }
  }
  public var root: String
  /// Those that are here, by generation, then id.
  public var genomes: [GenomeRecord]
  /// Ids that others name as parents and of which nothing is here, in order.
  public var unknown: [String]
  public var edges: [Edge]
}

extension GenomeStore {
  /// Most genomes of one walk.
  public static let maximumLineage = 100_000

  /// Every ancestor of a genome that is named by one that is here, without itself. In no order; ends for cycles too.
  public func ancestors(of id: String) throws(StoreError) -> [String] {
    try walk("SELECT parent FROM parents WHERE genome = ?", "SELECT p.parent FROM parents p JOIN found ON p.genome = found.id", id)
  }

  /// Every genome here that descends from one, without itself.
  public func descendants(of id: String) throws(StoreError) -> [String] {
    try walk("SELECT genome FROM parents WHERE parent = ?", "SELECT p.genome FROM parents p JOIN found ON p.parent = found.id", id)
  }

  /// The genome with its ancestors and descendants, and the edges between them.
  public func lineage(of id: String) throws(StoreError) -> LineageGraph {
    let ids = Set(try ancestors(of: id) + descendants(of: id) + [id])
    return try database.read { db in
      var genomes: [GenomeRecord] = [], unknown: [String] = [], edges: [LineageGraph.Edge] = []
      for id in ids.sorted() {
        guard let record = try Self.records("id = ?", [id], in: db).first else {
          unknown.append(id)
          continue
        }
        genomes.append(record)
        edges += record.parents.filter { ids.contains($0.id) }.map { .init(child: id, parent: $0.id, basisPoints: $0.basisPoints) }
      }
      genomes.sort { ($0.generation, $0.id) < ($1.generation, $1.id) }
      return LineageGraph(root: id, genomes: genomes, unknown: unknown, edges: edges)
    }
  }

  private func walk(_ first: String, _ next: String, _ id: String) throws(StoreError) -> [String] {
    try database.read { try Self.walk(first, next, id, in: $0) }
  }

  static func descendants(of id: String, in db: Database) throws -> [String] {
    try walk("SELECT genome FROM parents WHERE parent = ?", "SELECT p.genome FROM parents p JOIN found ON p.parent = found.id", id, in: db)
  }

  /// UNION keeps each id once, so the walk ends, whatever the edges say.
  private static func walk(_ first: String, _ next: String, _ id: String, in db: Database) throws -> [String] {
    let found = try String.fetchAll(
      db, sql: "WITH RECURSIVE found (id) AS (\(first) UNION \(next)) SELECT id FROM found WHERE id <> ? LIMIT ?", arguments: [id, id, maximumLineage + 1])
    guard found.count <= maximumLineage else { throw StoreError(.invalid, "\(id): more than \(maximumLineage) genomes in one lineage") }
    return found
  }
}
