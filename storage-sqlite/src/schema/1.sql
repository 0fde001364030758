-- Records by key. `terms` is what a record is found by and belongs to (src/encoding.rs); it lies
-- before the body, so that reading it does not walk through a large body.
CREATE TABLE records (
    id       INTEGER PRIMARY KEY,
    key      BLOB    NOT NULL UNIQUE,
    born     INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    terms    BLOB    NOT NULL,
    body     TEXT    NOT NULL
) STRICT;

-- The declarations of fields. A field has one within its kind, except after a program changed it.
CREATE TABLE fields (
    id       INTEGER PRIMARY KEY,
    kind     TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    scope    INTEGER NOT NULL,
    wildcard INTEGER NOT NULL,
    UNIQUE (kind, name, scope, wildcard)
) STRICT;

-- A field within the key parts that a search by it fixes, and how many records have it there.
CREATE TABLE places (
    id      INTEGER PRIMARY KEY,
    field   INTEGER NOT NULL REFERENCES fields,
    scope   BLOB    NOT NULL,
    records INTEGER NOT NULL,
    UNIQUE (field, scope)
) STRICT;

-- Blocks of index rows (src/block/). A row is a value in a place, the rest of the record's key
-- after the place's scope, and usually what else the record is found by. A block has the rows of
-- its place from its value and rest up to those of the next block; none lie before the first one.
CREATE TABLE blocks (
    id      INTEGER PRIMARY KEY,
    place   INTEGER NOT NULL,
    value   BLOB    NOT NULL,
    rest    BLOB    NOT NULL,
    rows    BLOB    NOT NULL,
    carried BLOB    NOT NULL,
    UNIQUE (place, value, rest)
) STRICT;

-- The texts of wildcard fields by their runs of three characters, under the record's id.
CREATE VIRTUAL TABLE texts USING fts5(
    text, content = '', contentless_delete = 1, detail = none, tokenize = 'trigram'
);

-- How many records lie below each prefix of their keys, not counting one at the prefix itself.
CREATE TABLE counts (
    prefix  BLOB    PRIMARY KEY,
    records INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The last number that each stream gave.
CREATE TABLE streams (
    key  BLOB    PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What each batch of the last hour answered.
CREATE TABLE outcomes (
    revision INTEGER PRIMARY KEY,
    batch    BLOB    NOT NULL UNIQUE,
    at       INTEGER NOT NULL,
    appended BLOB    NOT NULL
) STRICT;

-- The last revision.
CREATE TABLE latest (
    only     INTEGER PRIMARY KEY CHECK (only = 1),
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO latest VALUES (1, 0);
