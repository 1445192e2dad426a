-- The lowest level to which a version may be shown in part, 0 where it is shown
-- whole or not at all.

ALTER TABLE resource ADD COLUMN part INTEGER NOT NULL DEFAULT 0;
ALTER TABLE history ADD COLUMN part INTEGER NOT NULL DEFAULT 0;
