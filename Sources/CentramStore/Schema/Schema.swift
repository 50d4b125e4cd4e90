internal import GRDB

/// The tables, version by version. A version that was released never changes: what comes later is a version of its own.
enum Schema {
  /// `CTRM`, in the database's header: says whose it is.
  static let applicationID = 0x4354_524d

  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { try $0.execute(sql: version1) }
    migrator.registerMigration("2") { try $0.execute(sql: version2) }
    migrator.registerMigration("3") { try $0.execute(sql: version3) }
    migrator.registerMigration("4") { try $0.execute(sql: version4) }
    return migrator
  }

  static let latest = "4"

  // Hashes and keys are 64 lower-case hexadecimal digits, times are Unix milliseconds.
  private static let version1 = """
    CREATE TABLE genomes (
      id TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 64),
      base TEXT NOT NULL CHECK (length(base) = 64),
      author TEXT NOT NULL CHECK (length(author) = 64),
      sequence INTEGER NOT NULL CHECK (sequence >= 1),
      previous TEXT CHECK (length(previous) = 64),
      generation INTEGER NOT NULL CHECK (generation >= 0),
      domain TEXT NOT NULL,
      kind TEXT NOT NULL,
      made_ms INTEGER NOT NULL,
      size INTEGER NOT NULL CHECK (size >= 0),
      manifest BLOB NOT NULL,
      signature BLOB NOT NULL CHECK (length(signature) = 64),
      state TEXT NOT NULL CHECK (state IN ('received', 'accepted', 'rejected', 'quarantined', 'revoked', 'own')),
      state_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX genomes_by_author ON genomes (author, sequence);
    CREATE INDEX genomes_by_state ON genomes (state, domain, state_ms);

    CREATE TABLE parents (
      genome TEXT NOT NULL REFERENCES genomes (id) ON DELETE CASCADE,
      position INTEGER NOT NULL,
      parent TEXT NOT NULL CHECK (length(parent) = 64),
      basis_points INTEGER NOT NULL CHECK (basis_points BETWEEN 0 AND 10000),
      PRIMARY KEY (genome, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX parents_by_parent ON parents (parent);

    CREATE TABLE blobs (
      hash TEXT PRIMARY KEY NOT NULL CHECK (length(hash) = 64),
      size INTEGER NOT NULL CHECK (size >= 0),
      leased_until_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE blob_references (
      genome TEXT NOT NULL REFERENCES genomes (id) ON DELETE CASCADE,
      position INTEGER NOT NULL,
      name TEXT NOT NULL,
      hash TEXT NOT NULL CHECK (length(hash) = 64),
      size INTEGER NOT NULL CHECK (size >= 0),
      PRIMARY KEY (genome, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX blob_references_by_hash ON blob_references (hash);

    CREATE TABLE verdicts (
      number INTEGER PRIMARY KEY,
      genome TEXT NOT NULL CHECK (length(genome) = 64),
      direction TEXT NOT NULL CHECK (direction IN ('inbound', 'outbound')),
      layer TEXT NOT NULL,
      layer_version TEXT NOT NULL,
      decision TEXT NOT NULL CHECK (decision IN ('accept', 'scale', 'quarantine', 'reject')),
      factor REAL,
      reason TEXT NOT NULL,
      evidence TEXT NOT NULL,
      time_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX verdicts_by_genome ON verdicts (genome, number);

    CREATE TABLE metrics (
      genome TEXT NOT NULL CHECK (length(genome) = 64),
      name TEXT NOT NULL,
      value REAL NOT NULL,
      PRIMARY KEY (genome, name)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE revocations (
      number INTEGER PRIMARY KEY,
      scope TEXT NOT NULL CHECK (scope IN ('genome', 'key')),
      subject TEXT NOT NULL CHECK (length(subject) = 64),
      signer TEXT NOT NULL CHECK (length(signer) = 64),
      signed BLOB NOT NULL,
      time_ms INTEGER NOT NULL,
      UNIQUE (scope, subject, signer)
    ) STRICT;

    CREATE TABLE authors (
      author TEXT PRIMARY KEY NOT NULL CHECK (length(author) = 64),
      last_sequence INTEGER NOT NULL,
      last_id TEXT NOT NULL CHECK (length(last_id) = 64)
    ) STRICT, WITHOUT ROWID;
    """

  /// Verdicts of a gate from which a layer was taken out say so; an author that signed two entries at one place is frozen, with the proof.
  private static let version2 = """
    ALTER TABLE verdicts ADD COLUMN incomplete INTEGER NOT NULL DEFAULT 0 CHECK (incomplete IN (0, 1));

    CREATE TABLE forks (
      author TEXT PRIMARY KEY NOT NULL CHECK (length(author) = 64),
      sequence INTEGER NOT NULL,
      first_manifest BLOB NOT NULL,
      first_signature BLOB NOT NULL CHECK (length(first_signature) = 64),
      second_manifest BLOB NOT NULL,
      second_signature BLOB NOT NULL CHECK (length(second_signature) = 64),
      time_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """

  /// What a node's gate asks about authors and updates, in which order states changed, and small states of the node's parts, a document each.
  private static let version3 = """
    CREATE TABLE states (
      name TEXT PRIMARY KEY NOT NULL,
      content BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- The order of decisions: a clock may stand still, or go back.
    ALTER TABLE genomes ADD COLUMN decided INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX genomes_by_decision ON genomes (decided);

    -- What the gate's admission let in; `was_accepted` once the whole gate did.
    CREATE TABLE admissions (
      genome TEXT PRIMARY KEY NOT NULL CHECK (length(genome) = 64),
      author TEXT NOT NULL CHECK (length(author) = 64),
      branch TEXT NOT NULL,
      weight REAL NOT NULL CHECK (weight > 0 AND weight <= 1),
      was_accepted INTEGER NOT NULL DEFAULT 0 CHECK (was_accepted IN (0, 1)),
      time_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX admissions_by_author ON admissions (author, time_ms);
    CREATE INDEX admissions_by_branch ON admissions (branch, time_ms);

    CREATE TABLE invitations (
      author TEXT PRIMARY KEY NOT NULL CHECK (length(author) = 64),
      inviter TEXT NOT NULL CHECK (length(inviter) = 64 AND inviter <> author),
      time_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- What other nodes attested, as they signed it, by the order of its coming.
    CREATE TABLE attestations (
      number INTEGER PRIMARY KEY,
      signature BLOB UNIQUE NOT NULL CHECK (length(signature) = 64),
      signer TEXT NOT NULL CHECK (length(signer) = 64),
      signed BLOB NOT NULL
    ) STRICT;
    CREATE INDEX attestations_by_signer ON attestations (signer);

    CREATE TABLE sketches (
      number INTEGER PRIMARY KEY,
      genome TEXT UNIQUE NOT NULL CHECK (length(genome) = 64),
      base TEXT NOT NULL CHECK (length(base) = 64),
      author TEXT NOT NULL CHECK (length(author) = 64),
      time_ms INTEGER NOT NULL,
      elements BLOB NOT NULL
    ) STRICT;
    CREATE INDEX sketches_by_base ON sketches (base, number);

    -- The node's own trainings; `left_ms` once something made of them left the node.
    CREATE TABLE trainings (
      genome TEXT PRIMARY KEY NOT NULL CHECK (length(genome) = 64),
      sequences INTEGER NOT NULL CHECK (sequences >= 0),
      account TEXT,
      left_ms INTEGER
    ) STRICT, WITHOUT ROWID;
    """

  /// Hashes of chunks, which a node that gives a file away needs before its first chunk.
  private static let version4 = """
    CREATE TABLE chunk_lists (
      hash TEXT NOT NULL REFERENCES blobs (hash) ON DELETE CASCADE,
      chunk_size INTEGER NOT NULL CHECK (chunk_size > 0),
      hashes BLOB NOT NULL CHECK (length(hashes) % 32 = 0),
      checks BLOB NOT NULL CHECK (length(checks) IN (0, length(hashes) / 4)),
      PRIMARY KEY (hash, chunk_size)
    ) STRICT, WITHOUT ROWID;
    """
}
