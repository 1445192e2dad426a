-- The patients and the principals that a batch of audit speaks of, so that the
-- events of one are found without reading all. at is that of the batch.
CREATE TABLE audit_about (
  tenant INTEGER NOT NULL,
  ref    TEXT NOT NULL,
  at     INTEGER NOT NULL,
  id     INTEGER NOT NULL,
  PRIMARY KEY (tenant, ref, at, id)
) STRICT, WITHOUT ROWID;

INSERT OR IGNORE INTO audit_about (tenant, ref, at, id)
SELECT a.tenant, coalesce(p.value, ''), a.at, a.id
FROM audit a, json_each('[' || replace(CAST(a.body AS TEXT), char(10), ',') || ']') r,
     json_each(json_array(json_extract(r.value, '$.patient'), json_extract(r.value, '$.principal'))) p
WHERE p.value IS NOT NULL AND p.value <> '';

-- How far the audit has been sent elsewhere, and which server sends.
CREATE TABLE audit_export (
  name     TEXT NOT NULL PRIMARY KEY,
  position INTEGER NOT NULL,
  held     INTEGER NOT NULL,
  holder   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
