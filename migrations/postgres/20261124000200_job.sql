-- Long work: a job is leased by one server at a time and goes on from its cursor.
-- state: 0 waits or runs, 1 done, 2 failed, 3 cancelled. due is when it may be
-- taken: now, after a pause, or when the lease of a server that died is over.

CREATE TABLE job (
  created  bigint NOT NULL,
  due      bigint NOT NULL,
  ended    bigint NOT NULL,
  expires  bigint NOT NULL,
  attempts integer NOT NULL,
  tenant   smallint NOT NULL,
  state    smallint NOT NULL,
  id       text COLLATE "C" PRIMARY KEY,
  kind     text COLLATE "C" NOT NULL,
  owner    text COLLATE "C" NOT NULL,
  holder   text COLLATE "C" NOT NULL,
  progress text COLLATE "C" NOT NULL,
  request  bytea NOT NULL,
  cursor   bytea NOT NULL,
  result   bytea NOT NULL
);
CREATE INDEX job_due ON job (due, id) WHERE state = 0;
CREATE INDEX job_owner ON job (tenant, owner, state);
CREATE INDEX job_expires ON job (expires);

-- What a job has made, or was given (kind 'input'): content is in the job's blobs.
CREATE TABLE job_file (
  count  bigint NOT NULL,
  size   bigint NOT NULL,
  ord    integer NOT NULL,
  job    text COLLATE "C" NOT NULL,
  kind   text COLLATE "C" NOT NULL,
  type   text COLLATE "C" NOT NULL,
  digest bytea NOT NULL,
  PRIMARY KEY (job, ord)
);

-- The patients that an export is about, and those of whom its audit speaks.
CREATE TABLE job_patient (
  told    smallint NOT NULL,
  member  smallint NOT NULL,
  job     text COLLATE "C" NOT NULL,
  patient text COLLATE "C" NOT NULL,
  PRIMARY KEY (job, patient)
);
