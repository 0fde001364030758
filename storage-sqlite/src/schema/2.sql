-- What the rows of blocks carry lies in a table of its own, and all else in the order of the walk:
-- keys alone are then read from a few pages that lie side by side, without looking each block up.
DROP TABLE blocks;

-- Blocks of index rows (src/block/). A row is a value in a place, the rest of the record's key
-- after the place's scope, and usually what else the record is found by. A block has the rows of
-- its place from its value and rest up to those of the next block; none lie before the first one.
CREATE TABLE blocks (
    place   INTEGER NOT NULL,
    value   BLOB    NOT NULL,
    rest    BLOB    NOT NULL,
    rows    BLOB    NOT NULL,
    -- Where what the rows carry lies; NULL when none carries anything.
    carried INTEGER,
    PRIMARY KEY (place, value, rest)
) STRICT, WITHOUT ROWID;

CREATE TABLE carried (
    id    INTEGER PRIMARY KEY,
    bytes BLOB    NOT NULL
) STRICT;
