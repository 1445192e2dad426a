-- Long work: a job is leased by one server at a time and goes on from its cursor.
-- state: 0 waits or runs, 1 done, 2 failed, 3 cancelled. due is when it may be
-- taken: now, after a pause, or when the lease of a server that died is over.

CREATE TABLE job (
  id       TEXT PRIMARY KEY,
  tenant   INTEGER NOT NULL,
  kind     TEXT NOT NULL,
  owner    TEXT NOT NULL,
  holder   TEXT NOT NULL,
  state    INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  created  INTEGER NOT NULL,
  due      INTEGER NOT NULL,
  ended    INTEGER NOT NULL,
  expires  INTEGER NOT NULL,
  progress TEXT NOT NULL,
  request  BLOB NOT NULL,
  cursor   BLOB NOT NULL,
  result   BLOB NOT NULL
) STRICT;
CREATE INDEX job_due ON job (due, id) WHERE state = 0;
CREATE INDEX job_owner ON job (tenant, owner, state);
CREATE INDEX job_expires ON job (expires);

-- What a job has made, or was given (kind 'input'): content is in the job's blobs.
CREATE TABLE job_file (
  job    TEXT NOT NULL,
  ord    INTEGER NOT NULL,
  kind   TEXT NOT NULL,
  type   TEXT NOT NULL,
  count  INTEGER NOT NULL,
  size   INTEGER NOT NULL,
  digest BLOB NOT NULL,
  PRIMARY KEY (job, ord)
) STRICT, WITHOUT ROWID;

-- The patients that an export is about, and those of whom its audit speaks.
CREATE TABLE job_patient (
  job     TEXT NOT NULL,
  patient TEXT NOT NULL,
  told    INTEGER NOT NULL,
  member  INTEGER NOT NULL,
  PRIMARY KEY (job, patient)
) STRICT, WITHOUT ROWID;
