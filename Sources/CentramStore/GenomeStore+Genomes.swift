internal import Foundation
internal import GRDB

extension GenomeStore {
  /// Records a genome; acknowledged means on the disk.
  ///
  /// It does not advance its author's log: that is the gate's to decide (`decide`). One with the state `own`, as from a copy of an earlier home, does.
  /// - Parameters:
  ///   - signed: the serialized signed manifest as it came, kept as a file.
  ///   - requiringFiles: whether every file must be here; without it only the manifest is taken, such as an ancestor's.
  /// - Throws: `.conflict` where a file is missing, or the author was frozen before this place of its log.
  public func add(_ record: GenomeRecord, signed: [UInt8], requiringFiles: Bool = true) throws(StoreError) -> AddOutcome {
    let outcome = try database.write { db in
      if let known = try String.fetchOne(db, sql: "SELECT state FROM genomes WHERE id = ?", arguments: [record.id]) {
        return AddOutcome.alreadyThere(GenomeState(rawValue: known) ?? .received)
      }
      try Self.requireUnfrozen(record, in: db)
      if requiringFiles { try requireFiles(record) }
      try Self.insert(record, into: db)
      if try Self.isRevoked(record.id, author: record.author, in: db) { try Self.set(.revoked, of: record.id, at: record.stateMilliseconds, in: db) }
      if record.state == .own { try Self.advance(record.author, to: record.sequence, record.id, in: db) }
      let other = try Self.recordFork(of: record, in: db)
      reached(.genomeInserted)
      return other.map { .fork(other: $0) } ?? .added
    }
    reached(.genomeCommitted)
    if case .alreadyThere = outcome { return outcome }
    try keepManifest(record.id, signed)
    return outcome
  }

  /// Appends a genome of this node to its own log. Two processes that do it at once get two places, one after the other.
  /// - Parameter make: from the log's end, nil at its beginning: the record with `state` own, and the serialized signed manifest.
  /// - Throws: `.conflict` where `id` is a genome already, or this node's own log was found to be forked.
  public func append(_ id: String, author: String, _ make: (AuthorLog?) throws(StoreError) -> (record: GenomeRecord, signed: [UInt8])) throws(StoreError) -> GenomeRecord {
    let made = try database.write { db in
      if let known = try Row.fetchOne(db, sql: "SELECT author, sequence FROM genomes WHERE id = ?", arguments: [id]) {
        throw StoreError(.conflict, "\(id): the same files are a genome already, entry \(try known.sequence("sequence")) of \((try known.get("author") as String).prefix(16))")
      }
      let last = try Self.log(of: author, in: db)
      let made = try make(last)
      let record = made.record
      guard record.id == id, record.author == author, record.state == .own, record.sequence == (last?.lastSequence ?? 0) + 1, record.previous == last?.lastID else {
        throw StoreError(.invalid, "\(record.id): not the entry after \(last?.lastSequence ?? 0) of the own log")
      }
      try Self.requireUnfrozen(record, in: db)
      try requireFiles(record)
      try Self.insert(record, into: db)
      try Self.advance(author, to: record.sequence, record.id, in: db)
      reached(.genomeInserted)
      return made
    }
    reached(.genomeCommitted)
    try keepManifest(made.record.id, made.signed)
    return made.record
  }

  /// After the commit: a manifest without a row would take a place in the log that was given to nobody.
  private func keepManifest(_ id: String, _ signed: [UInt8]) throws(StoreError) {
    let manifests = layout.manifests
    try layout.place(signed, at: manifests.path(id), in: manifests.subfolder(id))
    reached(.manifestPlaced)
  }

  private func requireFiles(_ record: GenomeRecord) throws(StoreError) {
    for file in record.files where blobs.size(file.hash) != file.size {
      throw StoreError(.conflict, "\(record.id): \(file.name) is not here whole; fetch or import it first")
    }
  }

  /// - Throws: `.notFound`.
  public func genome(_ id: String) throws(StoreError) -> GenomeRecord {
    guard let record = try database.read({ try Self.records("id = ?", [id], in: $0).first }) else {
      throw StoreError(.notFound, "\(id.prefix(64)): no such genome; centram-host genome list shows what is there")
    }
    return record
  }

  /// The genome whose id begins so.
  /// - Throws: `.notFound`; `.ambiguous` where it is shorter than four digits, or several begin so.
  public func genome(abbreviated text: String) throws(StoreError) -> GenomeRecord {
    let text = text.lowercased()
    guard (4...64).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
      throw StoreError(.ambiguous, "\(text.prefix(80)): an id is 4 to 64 hexadecimal digits")
    }
    // `g` stands after every hexadecimal digit.
    let ids = try database.read { try String.fetchAll($0, sql: "SELECT id FROM genomes WHERE id >= ? AND id < ? ORDER BY id LIMIT 6", arguments: [text, text + "g"]) }
    guard let first = ids.first else { throw StoreError(.notFound, "\(text): no genome's id begins so; centram-host genome list shows what is there") }
    guard ids.count == 1 else {
      throw StoreError(
        .ambiguous, "\(text): \(ids.count > 5 ? "more than 5" : "\(ids.count)") genomes begin so: \(ids.prefix(5).map { $0.prefix(16) }.joined(separator: ", ")); give more digits")
    }
    return try genome(first)
  }

  /// Newest first, by the time at which their state became what it is.
  public func genomes(state: GenomeState? = nil, domain: String? = nil, author: String? = nil, limit: Int = .max) throws(StoreError) -> [GenomeRecord] {
    var conditions: [String] = [], arguments: [(any DatabaseValueConvertible)?] = []
    for (column, value) in [("state", state?.rawValue), ("domain", domain), ("author", author)] {
      guard let value else { continue }
      conditions.append("\(column) = ?")
      arguments.append(value)
    }
    let condition = conditions.isEmpty ? "1" : conditions.joined(separator: " AND ")
    return try database.read { try Self.records("\(condition) ORDER BY state_ms DESC, decided DESC, rowid DESC LIMIT \(limit)", StatementArguments(arguments), in: $0) }
  }

  /// Whether every file of a genome is here; a collection frees those of rejected ones.
  public func hasFiles(_ record: GenomeRecord) -> Bool { record.files.allSatisfy { blobs.size($0.hash) == $0.size } }

  /// The signed manifest as it was received.
  public func signedManifest(_ id: String) throws(StoreError) -> [UInt8]? {
    let path = layout.manifests.path(id)
    return FileManager.default.contents(atPath: path).map { [UInt8]($0) }
  }

  // MARK: Rows

  static func insert(_ record: GenomeRecord, into db: Database) throws {
    try db.execute(
      sql: """
        INSERT INTO genomes (id, base, author, sequence, previous, generation, domain, kind, made_ms, size, manifest, signature, state, state_ms)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        record.id, record.base, record.author, Int64(clamping: record.sequence), record.previous, record.generation, record.domain, record.kind, record.madeMilliseconds,
        record.size, Data(record.manifest), Data(record.signature), record.state.rawValue, record.stateMilliseconds,
      ])
    for (position, parent) in record.parents.enumerated() {
      try db.execute(sql: "INSERT INTO parents VALUES (?, ?, ?, ?)", arguments: [record.id, position, parent.id, parent.basisPoints])
    }
    for (position, file) in record.files.enumerated() {
      try db.execute(sql: "INSERT INTO blob_references VALUES (?, ?, ?, ?, ?)", arguments: [record.id, position, file.name, file.hash, file.size])
    }
  }

  static func records(_ condition: String, _ arguments: StatementArguments, in db: Database) throws -> [GenomeRecord] {
    try Row.fetchAll(db, sql: "SELECT * FROM genomes WHERE \(condition)", arguments: arguments).map { row in
      let id: String = try row.get("id")
      let parents = try Row.fetchAll(db, sql: "SELECT parent, basis_points FROM parents WHERE genome = ? ORDER BY position", arguments: [id])
      let files = try Row.fetchAll(db, sql: "SELECT name, hash, size FROM blob_references WHERE genome = ? ORDER BY position", arguments: [id])
      return GenomeRecord(
        id: id, base: try row.get("base"), author: try row.get("author"), sequence: try row.sequence("sequence"), previous: try row.get("previous"),
        parents: try parents.map { .init(id: try $0.get(0), basisPoints: try $0.get(1)) }, generation: try row.get("generation"), domain: try row.get("domain"),
        kind: try row.get("kind"), madeMilliseconds: try row.get("made_ms"), files: try files.map { .init(name: try $0.get(0), hash: try $0.get(1), size: try $0.get(2)) },
        manifest: try row.bytes("manifest"), signature: try row.bytes("signature"), state: try row.name("state"), stateMilliseconds: try row.get("state_ms"))
    }
  }
}
