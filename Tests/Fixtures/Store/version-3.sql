-- What version 3 adds to a database of version 2, and a state in it.
CREATE TABLE states (
  name TEXT PRIMARY KEY NOT NULL,
  content BLOB NOT NULL
) STRICT, WITHOUT ROWID;
ALTER TABLE genomes ADD COLUMN decided INTEGER NOT NULL DEFAULT 0;
CREATE INDEX genomes_by_decision ON genomes (decided);
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
CREATE TABLE trainings (
  genome TEXT PRIMARY KEY NOT NULL CHECK (length(genome) = 64),
  sequences INTEGER NOT NULL CHECK (sequences >= 0),
  account TEXT,
  left_ms INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO states VALUES ('exchange.quota', x'0102');
INSERT INTO grdb_migrations VALUES ('3');
