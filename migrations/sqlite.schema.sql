-- sqlite

CREATE TABLE anchor (
  kind  TEXT NOT NULL,
  name  TEXT NOT NULL,
  size  INTEGER NOT NULL,
  at    INTEGER NOT NULL,
  note  BLOB NOT NULL,
  token BLOB NOT NULL,
  PRIMARY KEY (kind, name, size)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  id     INTEGER PRIMARY KEY,
  tenant INTEGER NOT NULL,
  at     INTEGER NOT NULL,
  secret BLOB NOT NULL,
  body   BLOB NOT NULL
) STRICT;

CREATE INDEX audit_at ON audit (tenant, at);

CREATE TABLE audit_about (
  tenant INTEGER NOT NULL,
  ref    TEXT NOT NULL,
  at     INTEGER NOT NULL,
  id     INTEGER NOT NULL,
  PRIMARY KEY (tenant, ref, at, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_case (
  tenant  INTEGER NOT NULL,
  case_id TEXT NOT NULL,
  id      INTEGER NOT NULL,
  PRIMARY KEY (tenant, case_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_export (
  name     TEXT NOT NULL PRIMARY KEY,
  position INTEGER NOT NULL,
  held     INTEGER NOT NULL,
  holder   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE blob (
  tenant INTEGER NOT NULL,
  digest BLOB NOT NULL,
  size   INTEGER NOT NULL,
  at     INTEGER NOT NULL,
  PRIMARY KEY (tenant, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE case_access (
  tenant    INTEGER NOT NULL,
  principal TEXT NOT NULL,
  case_id   TEXT NOT NULL,
  ceiling   INTEGER NOT NULL,
  PRIMARY KEY (tenant, principal, case_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX case_access_case ON case_access (tenant, case_id);

CREATE TABLE case_head (
  tenant   INTEGER NOT NULL,
  case_id  TEXT NOT NULL,
  revision INTEGER NOT NULL,
  PRIMARY KEY (tenant, case_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint (
  size INTEGER PRIMARY KEY,
  root BLOB NOT NULL,
  at   INTEGER NOT NULL,
  note BLOB NOT NULL
) STRICT;

CREATE TABLE code_system (
  key      INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant   INTEGER NOT NULL,
  added    INTEGER NOT NULL,
  concepts INTEGER NOT NULL,
  ready    INTEGER NOT NULL,
  url      TEXT NOT NULL,
  version  TEXT NOT NULL
) STRICT;

CREATE INDEX code_system_ready ON code_system (tenant, ready, key);

CREATE UNIQUE INDEX code_system_url ON code_system (tenant, url, version) WHERE ready = 1;

CREATE TABLE concept_chunk (
  code_system INTEGER NOT NULL,
  seq         INTEGER NOT NULL,
  body        BLOB NOT NULL,
  PRIMARY KEY (code_system, seq)
) STRICT;

CREATE TABLE date_row (
  rid    INTEGER NOT NULL,
  key    INTEGER NOT NULL,
  low    INTEGER NOT NULL,
  high   INTEGER NOT NULL,
  tenant INTEGER NOT NULL,
  PRIMARY KEY (rid, key, low, high)
) STRICT, WITHOUT ROWID;

CREATE INDEX date_high ON date_row (tenant, key, high, rid, low);

CREATE INDEX date_low ON date_row (tenant, key, low, rid, high);

CREATE TABLE dicom_awaited (
  tenant  INTEGER NOT NULL,
  study   TEXT NOT NULL,
  pull    TEXT NOT NULL,
  patient TEXT NOT NULL,
  task    TEXT NOT NULL,
  until   INTEGER NOT NULL,
  PRIMARY KEY (tenant, study)
) STRICT, WITHOUT ROWID;

CREATE TABLE dicom_change (
  tenant INTEGER NOT NULL,
  ref    TEXT NOT NULL,
  body   BLOB NOT NULL,
  PRIMARY KEY (tenant, ref)
) STRICT, WITHOUT ROWID;

CREATE TABLE dicom_index (
  tenant INTEGER NOT NULL,
  path   TEXT NOT NULL,
  at     TEXT NOT NULL,
  done   INTEGER NOT NULL,
  PRIMARY KEY (tenant, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE dicom_instance (
  tenant          INTEGER NOT NULL,
  uid             TEXT NOT NULL,
  study           TEXT NOT NULL,
  series          TEXT NOT NULL,
  ord             INTEGER NOT NULL,
  sop_class       TEXT NOT NULL,
  image_type      TEXT NOT NULL,
  acquired_date   TEXT NOT NULL,
  content_date    TEXT NOT NULL,
  acquired_time   TEXT NOT NULL,
  content_time    TEXT NOT NULL,
  transfer_syntax TEXT NOT NULL,
  number          INTEGER,
  frames          INTEGER,
  rows            INTEGER,
  columns         INTEGER,
  bits_allocated  INTEGER,
  document_title  TEXT NOT NULL,
  digest          BLOB NOT NULL,
  size            INTEGER NOT NULL,
  pixel_offset    INTEGER NOT NULL,
  pixel_length    INTEGER NOT NULL,
  deflated        INTEGER NOT NULL,
  frame_table     BLOB NOT NULL,
  bulk_table      BLOB NOT NULL,
  metadata        BLOB NOT NULL,
  PRIMARY KEY (tenant, uid)
) STRICT;

CREATE INDEX dicom_instance_order ON dicom_instance (tenant, study, series, ord, uid);

CREATE TABLE dicom_name (
  tenant INTEGER NOT NULL,
  study  TEXT NOT NULL,
  folded TEXT NOT NULL,
  PRIMARY KEY (tenant, study, folded)
) STRICT, WITHOUT ROWID;

CREATE INDEX dicom_name_value ON dicom_name (tenant, folded, study);

CREATE TABLE dicom_quarantine (
  tenant       INTEGER NOT NULL,
  received     INTEGER NOT NULL,
  id           TEXT NOT NULL,
  state        TEXT NOT NULL,
  organization TEXT NOT NULL,
  digest       BLOB NOT NULL,
  body         TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX dicom_quarantine_digest ON dicom_quarantine (tenant, digest);

CREATE INDEX dicom_quarantine_list ON dicom_quarantine (tenant, state, organization, received, id);

CREATE TABLE dicom_series (
  tenant              INTEGER NOT NULL,
  uid                 TEXT NOT NULL,
  study               TEXT NOT NULL,
  ord                 INTEGER NOT NULL,
  modality            TEXT NOT NULL,
  series_date         TEXT NOT NULL,
  series_time         TEXT NOT NULL,
  manufacturer        TEXT NOT NULL,
  station_name        TEXT NOT NULL,
  description         TEXT NOT NULL,
  manufacturer_model  TEXT NOT NULL,
  body_part           TEXT NOT NULL,
  protocol            TEXT NOT NULL,
  number              INTEGER,
  frame_of_reference  TEXT NOT NULL,
  laterality          TEXT NOT NULL,
  institution         TEXT NOT NULL,
  instances           INTEGER,
  performed_date      TEXT NOT NULL,
  performed_time      TEXT NOT NULL,
  performed_step_id   TEXT NOT NULL,
  scheduled_step_id   TEXT NOT NULL,
  requested_procedure TEXT NOT NULL,
  PRIMARY KEY (tenant, uid)
) STRICT;

CREATE INDEX dicom_series_modality ON dicom_series (tenant, modality, study);

CREATE INDEX dicom_series_order ON dicom_series (tenant, study, ord, uid);

CREATE TABLE dicom_study (
  tenant              INTEGER NOT NULL,
  uid                 TEXT NOT NULL,
  resource            TEXT NOT NULL,
  patient             TEXT NOT NULL,
  study_date          TEXT NOT NULL,
  study_time          TEXT NOT NULL,
  accession_number    TEXT NOT NULL,
  modalities          TEXT NOT NULL,
  sop_classes         TEXT NOT NULL,
  referring_physician TEXT NOT NULL,
  timezone            TEXT NOT NULL,
  description         TEXT NOT NULL,
  patient_name        TEXT NOT NULL,
  patient_id          TEXT NOT NULL,
  patient_id_issuer   TEXT NOT NULL,
  patient_birth_date  TEXT NOT NULL,
  patient_sex         TEXT NOT NULL,
  institution_name    TEXT NOT NULL,
  study_id            TEXT NOT NULL,
  series              INTEGER,
  instances           INTEGER,
  PRIMARY KEY (tenant, uid)
) STRICT;

CREATE INDEX dicom_study_accession ON dicom_study (tenant, accession_number);

CREATE INDEX dicom_study_date ON dicom_study (tenant, study_date DESC, uid);

CREATE INDEX dicom_study_patient ON dicom_study (tenant, patient_id);

CREATE INDEX dicom_study_resource ON dicom_study (tenant, resource);

CREATE TABLE dicom_subscriber (
  tenant    INTEGER NOT NULL,
  locked    INTEGER NOT NULL,
  principal TEXT NOT NULL,
  title     TEXT NOT NULL,
  workitem  TEXT NOT NULL,
  filter    TEXT NOT NULL,
  PRIMARY KEY (tenant, principal, title, workitem)
) STRICT, WITHOUT ROWID;

CREATE TABLE dicom_value (
  tenant INTEGER NOT NULL,
  path   TEXT NOT NULL,
  value  TEXT NOT NULL,
  uid    TEXT NOT NULL,
  PRIMARY KEY (tenant, path, value, uid)
) STRICT, WITHOUT ROWID;

CREATE INDEX dicom_value_uid ON dicom_value (tenant, uid, path, value);

CREATE TABLE dicom_workitem (
  tenant      INTEGER NOT NULL,
  uid         TEXT NOT NULL,
  resource    TEXT NOT NULL,
  patient     TEXT NOT NULL,
  state       TEXT NOT NULL,
  scheduled   TEXT NOT NULL,
  transaction_uid TEXT NOT NULL,
  body        BLOB NOT NULL,
  PRIMARY KEY (tenant, uid)
) STRICT, WITHOUT ROWID;

CREATE INDEX dicom_workitem_resource ON dicom_workitem (tenant, resource);

CREATE INDEX dicom_workitem_scheduled ON dicom_workitem (tenant, scheduled, uid);

CREATE INDEX dicom_workitem_state ON dicom_workitem (tenant, state, scheduled, uid);

CREATE TABLE door_key (
  tenant INTEGER NOT NULL,
  door   TEXT NOT NULL,
  key    TEXT NOT NULL,
  digest BLOB NOT NULL,
  ref    TEXT NOT NULL,
  at     INTEGER NOT NULL,
  PRIMARY KEY (tenant, door, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE erasure (
  tenant      INTEGER NOT NULL,
  ref         TEXT NOT NULL,
  certificate TEXT NOT NULL,
  PRIMARY KEY (tenant, ref)
) STRICT, WITHOUT ROWID;

CREATE TABLE feed (
  tenant   INTEGER NOT NULL,
  position INTEGER NOT NULL,
  held     INTEGER NOT NULL,
  holder   TEXT NOT NULL,
  PRIMARY KEY (tenant)
) STRICT, WITHOUT ROWID;

CREATE TABLE group_row (
  rid       INTEGER NOT NULL,
  key       INTEGER NOT NULL,
  grp       INTEGER NOT NULL,
  canonical INTEGER NOT NULL,
  system    INTEGER NOT NULL,
  since     INTEGER NOT NULL,
  until     INTEGER NOT NULL,
  low       REAL NOT NULL,
  high      REAL NOT NULL,
  code      TEXT NOT NULL,
  norm      TEXT NOT NULL,
  rest      TEXT NOT NULL,
  tenant    INTEGER NOT NULL
) STRICT;

CREATE INDEX group_code ON group_row (tenant, key, code, rid);

CREATE INDEX group_resource ON group_row (rid, key, grp);

CREATE TABLE history (
  rid       INTEGER NOT NULL,
  version   INTEGER NOT NULL,
  tenant    INTEGER NOT NULL,
  updated   INTEGER NOT NULL,
  deleted   INTEGER NOT NULL,
  method    TEXT NOT NULL,
  owner     TEXT NOT NULL,
  author    TEXT NOT NULL,
  patient   TEXT NOT NULL,
  level     INTEGER NOT NULL,
  integrity INTEGER NOT NULL,
  grading   TEXT NOT NULL,
  blob      TEXT NOT NULL,
  digest    BLOB NOT NULL,
  salt      BLOB NOT NULL,
  body      BLOB NOT NULL
, type TEXT NOT NULL DEFAULT '', part INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE INDEX history_blob ON history (tenant, blob) WHERE blob <> '';

CREATE INDEX history_updated ON history (tenant, type, updated, rid, version);

CREATE UNIQUE INDEX history_version ON history (rid, version);

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
, grant_id TEXT NOT NULL DEFAULT '', scope TEXT NOT NULL DEFAULT '') STRICT;

CREATE INDEX job_due ON job (due, id) WHERE state = 0;

CREATE INDEX job_expires ON job (expires);

CREATE INDEX job_owner ON job (tenant, owner, state);

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

CREATE TABLE job_patient (
  job     TEXT NOT NULL,
  patient TEXT NOT NULL,
  told    INTEGER NOT NULL,
  member  INTEGER NOT NULL,
  PRIMARY KEY (job, patient)
) STRICT, WITHOUT ROWID;

CREATE TABLE leaf (
  seq  INTEGER PRIMARY KEY,
  idx  INTEGER,
  kind TEXT NOT NULL,
  ref  TEXT NOT NULL,
  hash BLOB NOT NULL,
  at   INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX leaf_index ON leaf (idx) WHERE idx IS NOT NULL;

CREATE INDEX leaf_pending ON leaf (seq) WHERE idx IS NULL;

CREATE INDEX leaf_ref ON leaf (ref);

CREATE TABLE ledger_node (
  level INTEGER NOT NULL,
  idx   INTEGER NOT NULL,
  hash  BLOB NOT NULL,
  PRIMARY KEY (level, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE member (
  tenant  INTEGER NOT NULL,
  case_id TEXT NOT NULL,
  type    TEXT NOT NULL,
  rid     INTEGER NOT NULL,
  PRIMARY KEY (tenant, case_id, type, rid)
) STRICT, WITHOUT ROWID;

CREATE INDEX member_resource ON member (rid, case_id);

CREATE TABLE number_row (
  rid       INTEGER NOT NULL,
  key       INTEGER NOT NULL,
  canonical INTEGER NOT NULL,
  low       REAL NOT NULL,
  high      REAL NOT NULL,
  code      TEXT NOT NULL,
  system    INTEGER NOT NULL,
  tenant    INTEGER NOT NULL,
  PRIMARY KEY (rid, key, canonical, low, high, code, system)
) STRICT, WITHOUT ROWID;

CREATE INDEX number_high ON number_row (tenant, key, canonical, high, rid, low);

CREATE INDEX number_low ON number_row (tenant, key, canonical, low, rid, high);

CREATE TABLE outbox (
  id       INTEGER PRIMARY KEY,
  tenant   INTEGER NOT NULL,
  sink     TEXT NOT NULL,
  kind     TEXT NOT NULL,
  key      TEXT NOT NULL,
  case_id  TEXT NOT NULL,
  body     BLOB NOT NULL,
  created  INTEGER NOT NULL,
  due      INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  state    INTEGER NOT NULL,
  settled  INTEGER NOT NULL,
  reason   TEXT NOT NULL
) STRICT;

CREATE INDEX outbox_dead ON outbox (id) WHERE state = 2;

CREATE INDEX outbox_due ON outbox (due, id) WHERE state = 0;

CREATE UNIQUE INDEX outbox_key ON outbox (tenant, sink, key);

CREATE TABLE package (
  key          INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant       INTEGER NOT NULL,
  added        INTEGER NOT NULL,
  resources    INTEGER NOT NULL,
  ready        INTEGER NOT NULL,
  name         TEXT NOT NULL,
  version      TEXT NOT NULL,
  title        TEXT NOT NULL,
  dependencies TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX package_name ON package (tenant, name, version) WHERE ready = 1;

CREATE INDEX package_ready ON package (tenant, ready, key);

CREATE TABLE package_resource (
  package    INTEGER NOT NULL,
  seq        INTEGER NOT NULL,
  type       TEXT NOT NULL,
  url        TEXT NOT NULL,
  version    TEXT NOT NULL,
  id         TEXT NOT NULL,
  name       TEXT NOT NULL,
  status     TEXT NOT NULL,
  of_type    TEXT NOT NULL,
  derivation TEXT NOT NULL,
  kind       TEXT NOT NULL,
  body       BLOB NOT NULL,
  PRIMARY KEY (package, seq)
) STRICT;

CREATE TABLE reference_row (
  rid    INTEGER NOT NULL,
  key    INTEGER NOT NULL,
  target TEXT NOT NULL,
  type   TEXT NOT NULL,
  tenant INTEGER NOT NULL,
  PRIMARY KEY (rid, key, target, type)
) STRICT, WITHOUT ROWID;

CREATE INDEX reference_target ON reference_row (tenant, target, key, rid, type);

CREATE TABLE reindex (
  tenant    INTEGER NOT NULL,
  subject   TEXT NOT NULL,
  version   INTEGER NOT NULL,
  signature INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  done      INTEGER NOT NULL,
  total     INTEGER NOT NULL,
  started   INTEGER NOT NULL,
  changed   INTEGER NOT NULL,
  finished  INTEGER NOT NULL,
  until     INTEGER NOT NULL,
  holder    TEXT NOT NULL,
  failure   TEXT NOT NULL,
  PRIMARY KEY (tenant, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE resource (
  rid       INTEGER PRIMARY KEY,
  tenant    INTEGER NOT NULL,
  type      TEXT NOT NULL,
  id        TEXT NOT NULL,
  version   INTEGER NOT NULL,
  updated   INTEGER NOT NULL,
  deleted   INTEGER NOT NULL,
  method    TEXT NOT NULL,
  owner     TEXT NOT NULL,
  author    TEXT NOT NULL,
  patient   TEXT NOT NULL,
  level     INTEGER NOT NULL,
  integrity INTEGER NOT NULL,
  grading   TEXT NOT NULL,
  blob      TEXT NOT NULL,
  digest    BLOB NOT NULL,
  salt      BLOB NOT NULL,
  body      BLOB NOT NULL
, part INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE INDEX resource_blob ON resource (tenant, blob) WHERE blob <> '';

CREATE UNIQUE INDEX resource_id ON resource (tenant, type, id);

CREATE INDEX resource_owner ON resource (tenant, owner, type, rid);

CREATE INDEX resource_patient ON resource (tenant, patient, type, rid) WHERE patient <> '';

CREATE INDEX resource_type ON resource (tenant, type, rid);

CREATE INDEX resource_updated ON resource (tenant, type, updated, rid);

CREATE TABLE schema_epoch (
  one   INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  epoch INTEGER NOT NULL
) STRICT;

CREATE TABLE schema_version (name TEXT NOT NULL PRIMARY KEY, applied BIGINT NOT NULL);

CREATE TABLE signature (
  seq        INTEGER PRIMARY KEY,
  tenant     INTEGER NOT NULL,
  case_id    TEXT NOT NULL,
  provenance TEXT NOT NULL,
  target     TEXT NOT NULL,
  version    INTEGER NOT NULL,
  digest     BLOB NOT NULL,
  role       TEXT NOT NULL,
  purpose    TEXT NOT NULL,
  stage      TEXT NOT NULL,
  signer     TEXT NOT NULL,
  person     TEXT NOT NULL,
  at         INTEGER NOT NULL,
  outcome    TEXT NOT NULL,
  conditions TEXT NOT NULL
) STRICT;

CREATE INDEX signature_case ON signature (tenant, case_id, seq);

CREATE INDEX signature_target ON signature (tenant, target, seq);

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE state (
  tenant INTEGER NOT NULL,
  name   TEXT NOT NULL,
  value  INTEGER NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER string_words_delete AFTER DELETE ON string_row WHEN old.key = -1633481677 BEGIN
  INSERT INTO string_words (string_words, rowid, words) VALUES ('delete', old.rid, old.norm || old.rest);
END;

CREATE TRIGGER string_words_insert AFTER INSERT ON string_row WHEN new.key = -1633481677 BEGIN
  INSERT INTO string_words (rowid, words) VALUES (new.rid, new.norm || new.rest);
END;

CREATE TABLE string_row (
  rid    INTEGER NOT NULL,
  key    INTEGER NOT NULL,
  norm   TEXT NOT NULL,
  ord    INTEGER NOT NULL,
  exact  TEXT NOT NULL,
  rest   TEXT NOT NULL,
  tenant INTEGER NOT NULL,
  PRIMARY KEY (rid, key, norm, ord)
) STRICT, WITHOUT ROWID;

CREATE INDEX string_value ON string_row (tenant, key, norm, rid);

CREATE VIRTUAL TABLE string_words USING fts5(words, content='', columnsize=0, detail=none, tokenize='ascii');

CREATE TABLE 'string_words_config'(k PRIMARY KEY, v) WITHOUT ROWID;

CREATE TABLE 'string_words_data'(id INTEGER PRIMARY KEY, block BLOB);

CREATE TABLE 'string_words_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID;

CREATE TABLE subscription (
  tenant     INTEGER NOT NULL,
  version    INTEGER NOT NULL,
  last       INTEGER NOT NULL,
  delivered  INTEGER NOT NULL,
  due        INTEGER NOT NULL,
  leased     INTEGER NOT NULL,
  failing    INTEGER NOT NULL,
  attempts   INTEGER NOT NULL,
  id         TEXT NOT NULL,
  subscriber TEXT NOT NULL,
  status     TEXT NOT NULL,
  shown      TEXT NOT NULL,
  reason     TEXT NOT NULL,
  body       BLOB NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;

CREATE INDEX subscription_due ON subscription (due, id);

CREATE TABLE subscription_event (
  tenant       INTEGER NOT NULL,
  subscription TEXT NOT NULL,
  number       INTEGER NOT NULL,
  at           INTEGER NOT NULL,
  version      INTEGER NOT NULL,
  change       INTEGER NOT NULL,
  type         TEXT NOT NULL,
  id           TEXT NOT NULL,
  PRIMARY KEY (tenant, subscription, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX subscription_event_at ON subscription_event (at);

CREATE TABLE subscription_warrant (
  tenant       INTEGER NOT NULL,
  subscription TEXT NOT NULL,
  body         TEXT NOT NULL,
  PRIMARY KEY (tenant, subscription)
) STRICT, WITHOUT ROWID;

CREATE TABLE tenant (
  tenant INTEGER PRIMARY KEY,
  name   TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE token_row (
  rid    INTEGER NOT NULL,
  key    INTEGER NOT NULL,
  code   TEXT NOT NULL,
  system INTEGER NOT NULL,
  tenant INTEGER NOT NULL,
  PRIMARY KEY (rid, key, code, system)
) STRICT, WITHOUT ROWID;

CREATE INDEX token_value ON token_row (tenant, key, code, rid, system);

CREATE TABLE uri_row (
  rid    INTEGER NOT NULL,
  key    INTEGER NOT NULL,
  uri    TEXT NOT NULL,
  tenant INTEGER NOT NULL,
  PRIMARY KEY (rid, key, uri)
) STRICT, WITHOUT ROWID;

CREATE INDEX uri_value ON uri_row (tenant, key, uri, rid);

-- sqlite_auth

CREATE TABLE access_token (
  hash      BLOB PRIMARY KEY,
  principal TEXT NOT NULL,
  tenant    TEXT NOT NULL,
  issued    INTEGER NOT NULL,
  expires   INTEGER NOT NULL,
  revoked   INTEGER NOT NULL,
  note      TEXT NOT NULL
, grant_id TEXT NOT NULL DEFAULT '', scope TEXT NOT NULL DEFAULT '', second INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;

CREATE TABLE binding_token (
  hash          BLOB PRIMARY KEY,
  tenant        TEXT NOT NULL,
  principal     TEXT NOT NULL,
  subscriptions TEXT NOT NULL,
  expires       INTEGER NOT NULL
, session TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID;

CREATE TABLE dicom_peer (
  tenant TEXT NOT NULL,
  title  TEXT NOT NULL,
  body   TEXT NOT NULL,
  PRIMARY KEY (tenant, title)
) STRICT, WITHOUT ROWID;

CREATE TABLE oauth_attempt (
  key   TEXT PRIMARY KEY,
  since INTEGER NOT NULL,
  count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX oauth_attempt_since ON oauth_attempt (since);

CREATE TABLE oauth_client (
  tenant TEXT NOT NULL,
  id     TEXT NOT NULL,
  body   TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE oauth_factor (
  tenant    TEXT NOT NULL,
  principal TEXT NOT NULL,
  sealed    BLOB NOT NULL,
  step      INTEGER NOT NULL,
  created   INTEGER NOT NULL,
  PRIMARY KEY (tenant, principal)
) STRICT, WITHOUT ROWID;

CREATE TABLE oauth_grant (
  id        TEXT PRIMARY KEY,
  tenant    TEXT NOT NULL,
  client    TEXT NOT NULL,
  principal TEXT NOT NULL,
  created   INTEGER NOT NULL,
  expires   INTEGER NOT NULL,
  revoked   INTEGER NOT NULL,
  body      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX oauth_grant_expires ON oauth_grant (expires);

CREATE INDEX oauth_grant_principal ON oauth_grant (tenant, principal);

CREATE TABLE oauth_link (
  tenant    TEXT NOT NULL,
  issuer    TEXT NOT NULL,
  subject   TEXT NOT NULL,
  principal TEXT NOT NULL,
  created   INTEGER NOT NULL,
  PRIMARY KEY (tenant, issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE oauth_login (
  tenant    TEXT NOT NULL,
  name      TEXT NOT NULL,
  principal TEXT NOT NULL,
  hash      TEXT NOT NULL,
  failures  INTEGER NOT NULL,
  locked    INTEGER NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE oauth_passkey (
  tenant    TEXT NOT NULL,
  id        BLOB NOT NULL,
  principal TEXT NOT NULL,
  key       BLOB NOT NULL,
  counter   INTEGER NOT NULL,
  movable   INTEGER NOT NULL,
  name      TEXT NOT NULL,
  created   INTEGER NOT NULL,
  used      INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX oauth_passkey_principal ON oauth_passkey (tenant, principal);

CREATE TABLE oauth_recovery (
  tenant    TEXT NOT NULL,
  principal TEXT NOT NULL,
  hash      BLOB NOT NULL,
  PRIMARY KEY (tenant, principal, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE oauth_session (
  id        TEXT PRIMARY KEY,
  tenant    TEXT NOT NULL,
  principal TEXT NOT NULL,
  hash      BLOB NOT NULL UNIQUE,
  started   INTEGER NOT NULL,
  shown     INTEGER NOT NULL,
  methods   TEXT NOT NULL,
  seen      INTEGER NOT NULL,
  expires   INTEGER NOT NULL,
  ended     INTEGER NOT NULL,
  agent     TEXT NOT NULL,
  address   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX oauth_session_expires ON oauth_session (expires);

CREATE INDEX oauth_session_principal ON oauth_session (tenant, principal);

CREATE TABLE oauth_slip (
  kind     TEXT NOT NULL,
  hash     BLOB NOT NULL,
  grant_id TEXT NOT NULL,
  expires  INTEGER NOT NULL,
  used     INTEGER NOT NULL,
  body     TEXT NOT NULL,
  PRIMARY KEY (kind, hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX oauth_slip_expires ON oauth_slip (expires);

CREATE TABLE oauth_state (
  tenant  TEXT NOT NULL,
  id      TEXT NOT NULL,
  client  TEXT NOT NULL,
  subject TEXT NOT NULL,
  system  TEXT NOT NULL,
  code    TEXT NOT NULL,
  version INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  size    INTEGER NOT NULL,
  sealed  BLOB NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX oauth_state_client ON oauth_state (tenant, client, size);

CREATE INDEX oauth_state_subject ON oauth_state (tenant, subject, code, system);

CREATE TABLE schema_version (name TEXT NOT NULL PRIMARY KEY, applied BIGINT NOT NULL);

CREATE TABLE signer (
  principal   TEXT PRIMARY KEY,
  certificate BLOB NOT NULL,
  sealed      BLOB NOT NULL,
  created     INTEGER NOT NULL,
  failures    INTEGER NOT NULL
, chain BLOB NOT NULL DEFAULT x'') STRICT, WITHOUT ROWID;

CREATE TABLE subscription_secret (
  id           TEXT PRIMARY KEY,
  tenant       TEXT NOT NULL,
  subscription TEXT NOT NULL,
  created      INTEGER NOT NULL,
  sealed       BLOB NOT NULL
) STRICT, WITHOUT ROWID;

