-- The history of a type and of the whole system, newest first: old versions
-- carry their type, so that both are range scans.

ALTER TABLE history ADD COLUMN type TEXT NOT NULL DEFAULT '';
UPDATE history SET type = (SELECT r.type FROM resource r WHERE r.rid = history.rid);
CREATE INDEX history_updated ON history (tenant, type, updated, rid, version);
