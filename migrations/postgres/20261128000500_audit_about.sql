-- The patients and the principals that a batch of audit speaks of, so that the
-- events of one are found without reading all. at is that of the batch. An entity
-- that a client named may hold a NUL, which jsonb does not take.
CREATE TABLE audit_about (
  at     bigint NOT NULL,
  id     bigint NOT NULL,
  tenant smallint NOT NULL,
  ref    text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, ref, at, id)
);

INSERT INTO audit_about (tenant, ref, at, id)
SELECT DISTINCT a.tenant, p.ref, a.at, a.id
FROM audit a
CROSS JOIN LATERAL regexp_split_to_table(replace(convert_from(a.body, 'UTF8'), '\u0000', '\ufffd'), E'\n') AS line
CROSS JOIN LATERAL (VALUES (line::jsonb ->> 'patient'), (line::jsonb ->> 'principal')) AS p (ref)
WHERE p.ref IS NOT NULL AND p.ref <> ''
ON CONFLICT DO NOTHING;

-- How far the audit has been sent elsewhere, and which server sends.
CREATE TABLE audit_export (
  name     text COLLATE "C" NOT NULL PRIMARY KEY,
  position bigint NOT NULL,
  held     bigint NOT NULL,
  holder   text COLLATE "C" NOT NULL
);
