internal import GRDB

/// Who invited whom: kept once and for good, since an author who could change branches would have a new budget each time.
extension GenomeStore {
  /// Longest chain of invitations that is followed.
  public static let maximumInvitations = 256

  /// Lets an author stand in the branch of the one who speaks for it.
  /// - Parameters:
  ///   - author: 64 hexadecimal digits, as all keys here.
  ///   - inviter: `root`, or an author with an invitation that leads to it.
  ///   - root: this node's key, below which branches begin.
  /// - Throws: `.invalid` for keys that are none, the node's own key, and an inviter whom no invitation leads to or whose chain is as long as may be;
  ///   `.conflict` for an author who was invited before, and for a circle.
  public func invite(_ author: String, by inviter: String, below root: String, now: Int64) throws(StoreError) {
    for key in [author, inviter] where !Self.isKey(key) {
      throw StoreError(.invalid, "\(key.prefix(100)): an author is a key of 64 hexadecimal digits; centram-host genome show ID names a genome's")
    }
    guard author != root else { throw StoreError(.invalid, "\(author): that is this node's own key; it needs no invitation") }
    guard author != inviter else { throw StoreError(.invalid, "\(author): nobody invites itself; leave --by out to invite it yourself, or name who speaks for it") }
    try database.write { db in
      let known = try Row.fetchOne(db, sql: "SELECT inviter FROM invitations WHERE author = ?", arguments: [author])
      let chain = try Self.chain(of: inviter, below: root, in: db)
      guard !chain.keys.contains(author) else {
        throw StoreError(.conflict, "\(inviter) is itself here by an invitation of \(author), so that would be a circle; leave --by out, or name another inviter")
      }
      if let known {
        let former: String = try known.get("inviter")
        throw StoreError(.conflict, "\(author) was invited by \(former == root ? "this node" : former) before, and an invitation is for good: its branch has one budget")
      }
      guard chain.reachesRoot else {
        throw StoreError(.invalid, "\(inviter) is not invited by this node or by one whom it let in; invite it first with centram-host gate invite \(inviter)")
      }
      guard chain.keys.count < Self.maximumInvitations else {
        throw StoreError(.invalid, "\(inviter) stands at the end of \(chain.keys.count) invitations; \(Self.maximumInvitations) are allowed, so invite \(author) by an earlier one")
      }
      try Self.insertInvitation(author, inviter, now, into: db)
    }
  }

  /// Writes an invitation as another version or a damaged database may hold it: whoever speaks for the author, and nothing where the author has one.
  package func invite(_ author: String, by inviter: String, now: Int64) throws(StoreError) {
    try database.write { try Self.insertInvitation(author, inviter, now, into: $0) }
  }

  /// The key right below `root` in the chain of invitations that leads to an author; empty where none does.
  public func branch(of author: String, below root: String) throws(StoreError) -> String {
    try database.read { db in
      let chain = try Self.chain(of: author, below: root, in: db)
      return chain.reachesRoot ? chain.keys.last ?? "" : ""
    }
  }

  /// Every invitation with what its author and those below it count now, oldest first.
  public func invitations() throws(StoreError) -> [Invitation] {
    try database.read { db in
      var invitations: [Invitation] = [], places: [String: Int] = [:]
      for row in try Row.fetchAll(db, sql: "SELECT author, inviter, time_ms FROM invitations ORDER BY time_ms, author") {
        let invitation = Invitation(author: try row.get("author"), inviter: try row.get("inviter"), timeMilliseconds: try row.get("time_ms"))
        places[invitation.author] = invitations.count
        invitations.append(invitation)
      }
      let weights = try Row.fetchAll(
        db,
        sql:
          "SELECT a.author AS author, count(*) AS genomes, total(a.weight) AS weight FROM genomes g JOIN admissions a ON a.genome = g.id WHERE g.state = 'accepted' GROUP BY a.author"
      )
      for row in weights {
        var author: String = try row.get("author")
        let weight: Double = try row.get("weight")
        if let place = places[author] { (invitations[place].accepted, invitations[place].weight) = (try row.get("genomes"), weight) }
        for _ in 0..<Self.maximumInvitations {
          guard let place = places[author] else { break }
          invitations[place].weightBelow += weight
          author = invitations[place].inviter
        }
      }
      return invitations
    }
  }

  /// An author and those whose invitations lead to it, from it upwards and without `root`.
  private static func chain(of author: String, below root: String, in db: Database) throws -> (keys: [String], reachesRoot: Bool) {
    var keys: [String] = [], key = author
    while key != root {
      guard keys.count < maximumInvitations, let inviter = try String.fetchOne(db, sql: "SELECT inviter FROM invitations WHERE author = ?", arguments: [key]) else {
        return (keys + [key], false)
      }
      keys.append(key)
      key = inviter
    }
    return (keys, true)
  }

  private static func insertInvitation(_ author: String, _ inviter: String, _ now: Int64, into db: Database) throws {
    try db.execute(sql: "INSERT INTO invitations VALUES (?, ?, ?) ON CONFLICT (author) DO NOTHING", arguments: [author, inviter, now])
  }

  private static func isKey(_ text: String) -> Bool { text.utf8.count == 64 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) } }
}
