-- A database as version 1 of the tables left it: one accepted genome with its verdict, measure and log, and one revocation.
PRAGMA journal_mode = WAL;
PRAGMA application_id = 0x4354524d;
CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
INSERT INTO grdb_migrations VALUES ('1');

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

INSERT INTO genomes VALUES ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 3, 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 2, 'code.swift', 'adapter', 1700000000000, 4010, x'7b7d', zeroblob(64), 'accepted', 1700000001000);
INSERT INTO parents VALUES ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 0, 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 10000);
INSERT INTO blob_references VALUES ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 0, 'adapter_config.json', '1111111111111111111111111111111111111111111111111111111111111111', 10);
INSERT INTO blob_references VALUES ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1, 'adapter_model.safetensors', '2222222222222222222222222222222222222222222222222222222222222222', 4000);
INSERT INTO blobs VALUES ('1111111111111111111111111111111111111111111111111111111111111111', 10, 0), ('2222222222222222222222222222222222222222222222222222222222222222', 4000, 0);
INSERT INTO verdicts (genome, direction, layer, layer_version, decision, factor, reason, evidence, time_ms)
VALUES ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'inbound', 'gate.format', '1.0.0', 'accept', NULL, '', '[{"name":"rank","value":"8"}]', 1700000000500);
INSERT INTO metrics VALUES ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'lift', 0.25);
INSERT INTO revocations (scope, subject, signer, signed, time_ms) VALUES ('genome', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', x'00', 1700000002000);
INSERT INTO authors VALUES ('dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 3, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa');
