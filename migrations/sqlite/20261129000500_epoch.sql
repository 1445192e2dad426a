-- Which servers may use the schema: those that know this epoch. A migration after which
-- a server of before would do harm raises it.

CREATE TABLE schema_epoch (
  one   INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  epoch INTEGER NOT NULL
) STRICT;

INSERT INTO schema_epoch (one, epoch) VALUES (1, 1);
