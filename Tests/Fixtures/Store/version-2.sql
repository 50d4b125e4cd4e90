-- What version 2 adds to a database of version 1, and a proof in it.
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
INSERT INTO forks VALUES ('eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee', 5, x'01', zeroblob(64), x'02', zeroblob(64), 1700000000900);
INSERT INTO grdb_migrations VALUES ('2');
