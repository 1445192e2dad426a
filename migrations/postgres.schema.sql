sequence code_system_key_seq increment 1;

sequence ids increment 64;

sequence leaf_seq_seq increment 1;

sequence outbox_id_seq increment 1;

sequence package_key_seq increment 1;

sequence signature_seq_seq increment 1;

sequence tenant_tenant_seq increment 1;

function CREATE OR REPLACE FUNCTION public.expect(ok boolean)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
  IF ok IS NOT TRUE THEN
    RAISE EXCEPTION 'read set is stale' USING ERRCODE = 'TN001';
  END IF;
END $function$;

table access_token (
  issued bigint not null,
  expires bigint not null,
  revoked smallint not null,
  hash bytea not null,
  principal text collate "C" not null,
  tenant text collate "C" not null,
  note text collate "C" not null,
  grant_id text collate "C" not null,
  scope text collate "C" not null,
  second bigint not null
);

table anchor (
  size bigint not null,
  at bigint not null,
  kind text collate "C" not null,
  name text collate "C" not null,
  note bytea not null,
  token bytea not null
);

table audit (
  id bigint not null,
  at bigint not null,
  tenant smallint not null,
  secret bytea not null,
  body bytea not null
);

table audit_about (
  at bigint not null,
  id bigint not null,
  tenant smallint not null,
  ref text collate "C" not null
);

table audit_case (
  id bigint not null,
  tenant smallint not null,
  case_id text collate "C" not null
);

table audit_export (
  name text collate "C" not null,
  position bigint not null,
  held bigint not null,
  holder text collate "C" not null
);

table binding_token (
  expires bigint not null,
  tenant text collate "C" not null,
  hash bytea not null,
  principal text collate "C" not null,
  subscriptions text collate "C" not null,
  session text not null
);

table blob (
  size bigint not null,
  at bigint not null,
  tenant smallint not null,
  digest bytea not null
);

table case_access (
  tenant smallint not null,
  ceiling smallint not null,
  principal text collate "C" not null,
  case_id text collate "C" not null
);

table case_head (
  revision bigint not null,
  tenant smallint not null,
  case_id text collate "C" not null
);

table checkpoint (
  size bigint not null,
  at bigint not null,
  root bytea not null,
  note bytea not null
);

table code_system (
  key bigint not null identity always,
  added bigint not null,
  concepts bigint not null,
  tenant smallint not null,
  ready smallint not null,
  url text collate "C" not null,
  version text collate "C" not null
);

table concept_chunk (
  code_system bigint not null,
  seq bigint not null,
  body bytea not null
);

table date_row (
  rid bigint not null,
  low bigint not null,
  high bigint not null,
  key integer not null,
  tenant smallint not null
);

table dicom_awaited (
  tenant smallint not null,
  study text collate "C" not null,
  pull text collate "C" not null,
  patient text collate "C" not null,
  task text collate "C" not null,
  until bigint not null
);

table dicom_change (
  tenant smallint not null,
  ref text collate "C" not null,
  body bytea not null
);

table dicom_index (
  tenant smallint not null,
  done smallint not null,
  path text collate "C" not null,
  at text collate "C" not null
);

table dicom_instance (
  tenant smallint not null,
  uid text collate "C" not null,
  study text collate "C" not null,
  series text collate "C" not null,
  ord bigint not null,
  sop_class text collate "C" not null,
  image_type text collate "C" not null,
  acquired_date text collate "C" not null,
  content_date text collate "C" not null,
  acquired_time text collate "C" not null,
  content_time text collate "C" not null,
  transfer_syntax text collate "C" not null,
  number bigint,
  frames bigint,
  rows bigint,
  columns bigint,
  bits_allocated bigint,
  document_title text collate "C" not null,
  digest bytea not null,
  size bigint not null,
  pixel_offset bigint not null,
  pixel_length bigint not null,
  deflated smallint not null,
  frame_table bytea not null,
  bulk_table bytea not null,
  metadata bytea not null
);

table dicom_name (
  tenant smallint not null,
  study text collate "C" not null,
  folded text collate "C" not null
);

table dicom_peer (
  tenant text collate "C" not null,
  title text collate "C" not null,
  body text not null
);

table dicom_quarantine (
  tenant smallint not null,
  received bigint not null,
  id text collate "C" not null,
  state text collate "C" not null,
  organization text collate "C" not null,
  digest bytea not null,
  body text collate "C" not null
);

table dicom_series (
  tenant smallint not null,
  uid text collate "C" not null,
  study text collate "C" not null,
  ord bigint not null,
  modality text collate "C" not null,
  series_date text collate "C" not null,
  series_time text collate "C" not null,
  manufacturer text collate "C" not null,
  station_name text collate "C" not null,
  description text collate "C" not null,
  manufacturer_model text collate "C" not null,
  body_part text collate "C" not null,
  protocol text collate "C" not null,
  number bigint,
  frame_of_reference text collate "C" not null,
  laterality text collate "C" not null,
  institution text collate "C" not null,
  instances bigint,
  performed_date text collate "C" not null,
  performed_time text collate "C" not null,
  performed_step_id text collate "C" not null,
  scheduled_step_id text collate "C" not null,
  requested_procedure text collate "C" not null
);

table dicom_study (
  tenant smallint not null,
  uid text collate "C" not null,
  resource text collate "C" not null,
  patient text collate "C" not null,
  study_date text collate "C" not null,
  study_time text collate "C" not null,
  accession_number text collate "C" not null,
  modalities text collate "C" not null,
  sop_classes text collate "C" not null,
  referring_physician text collate "C" not null,
  timezone text collate "C" not null,
  description text collate "C" not null,
  patient_name text collate "C" not null,
  patient_id text collate "C" not null,
  patient_id_issuer text collate "C" not null,
  patient_birth_date text collate "C" not null,
  patient_sex text collate "C" not null,
  institution_name text collate "C" not null,
  study_id text collate "C" not null,
  series bigint,
  instances bigint
);

table dicom_subscriber (
  tenant smallint not null,
  locked smallint not null,
  principal text collate "C" not null,
  title text collate "C" not null,
  workitem text collate "C" not null,
  filter text collate "C" not null
);

table dicom_value (
  tenant smallint not null,
  path text collate "C" not null,
  value text collate "C" not null,
  uid text collate "C" not null
);

table dicom_workitem (
  tenant smallint not null,
  uid text collate "C" not null,
  resource text collate "C" not null,
  patient text collate "C" not null,
  state text collate "C" not null,
  scheduled text collate "C" not null,
  transaction_uid text collate "C" not null,
  body bytea not null
);

table door_key (
  at bigint not null,
  tenant smallint not null,
  door text collate "C" not null,
  key text collate "C" not null,
  digest bytea not null,
  ref text collate "C" not null
);

table erasure (
  tenant smallint not null,
  ref text collate "C" not null,
  certificate text collate "C" not null
);

table feed (
  position bigint not null,
  held bigint not null,
  tenant smallint not null,
  holder text collate "C" not null
);

table group_row (
  rid bigint not null,
  system bigint not null,
  since bigint not null,
  until bigint not null,
  low double precision not null,
  high double precision not null,
  key integer not null,
  grp integer not null,
  tenant smallint not null,
  canonical smallint not null,
  code text collate "C" not null,
  norm text collate "C" not null,
  rest text collate "C" not null
);

table history (
  rid bigint not null,
  version bigint not null,
  updated bigint not null,
  tenant smallint not null,
  deleted smallint not null,
  level smallint not null,
  integrity smallint not null,
  method text collate "C" not null,
  owner text collate "C" not null,
  author text collate "C" not null,
  patient text collate "C" not null,
  grading text collate "C" not null,
  blob text collate "C" not null,
  digest bytea not null,
  salt bytea not null,
  body bytea not null,
  type text collate "C" not null,
  part smallint not null
);

table job (
  created bigint not null,
  due bigint not null,
  ended bigint not null,
  expires bigint not null,
  attempts integer not null,
  tenant smallint not null,
  state smallint not null,
  id text collate "C" not null,
  kind text collate "C" not null,
  owner text collate "C" not null,
  holder text collate "C" not null,
  progress text collate "C" not null,
  request bytea not null,
  cursor bytea not null,
  result bytea not null,
  grant_id text collate "C" not null,
  scope text collate "C" not null
);

table job_file (
  count bigint not null,
  size bigint not null,
  ord integer not null,
  job text collate "C" not null,
  kind text collate "C" not null,
  type text collate "C" not null,
  digest bytea not null
);

table job_patient (
  told smallint not null,
  member smallint not null,
  job text collate "C" not null,
  patient text collate "C" not null
);

table leaf (
  seq bigint not null identity always,
  idx bigint,
  at bigint not null,
  kind text collate "C" not null,
  ref text collate "C" not null,
  hash bytea not null
);

table ledger_node (
  idx bigint not null,
  level smallint not null,
  hash bytea not null
);

table member (
  rid bigint not null,
  tenant smallint not null,
  case_id text collate "C" not null,
  type text collate "C" not null
);

table number_row (
  rid bigint not null,
  low double precision not null,
  high double precision not null,
  system bigint not null,
  key integer not null,
  tenant smallint not null,
  canonical smallint not null,
  code text collate "C" not null
);

table oauth_attempt (
  key text collate "C" not null,
  since bigint not null,
  count bigint not null
);

table oauth_client (
  tenant text collate "C" not null,
  id text collate "C" not null,
  body text not null
);

table oauth_factor (
  tenant text collate "C" not null,
  principal text collate "C" not null,
  sealed bytea not null,
  step bigint not null,
  created bigint not null
);

table oauth_grant (
  id text collate "C" not null,
  tenant text collate "C" not null,
  client text collate "C" not null,
  principal text collate "C" not null,
  created bigint not null,
  expires bigint not null,
  revoked bigint not null,
  body text not null
);

table oauth_link (
  tenant text collate "C" not null,
  issuer text collate "C" not null,
  subject text collate "C" not null,
  principal text collate "C" not null,
  created bigint not null
);

table oauth_login (
  tenant text collate "C" not null,
  name text collate "C" not null,
  principal text collate "C" not null,
  hash text collate "C" not null,
  failures bigint not null,
  locked bigint not null
);

table oauth_passkey (
  tenant text collate "C" not null,
  id bytea not null,
  principal text collate "C" not null,
  key bytea not null,
  counter bigint not null,
  movable bigint not null,
  name text not null,
  created bigint not null,
  used bigint not null
);

table oauth_recovery (
  tenant text collate "C" not null,
  principal text collate "C" not null,
  hash bytea not null
);

table oauth_session (
  id text collate "C" not null,
  tenant text collate "C" not null,
  principal text collate "C" not null,
  hash bytea not null,
  started bigint not null,
  shown bigint not null,
  methods text not null,
  seen bigint not null,
  expires bigint not null,
  ended bigint not null,
  agent text not null,
  address text not null
);

table oauth_slip (
  kind text collate "C" not null,
  hash bytea not null,
  grant_id text collate "C" not null,
  expires bigint not null,
  used bigint not null,
  body text not null
);

table oauth_state (
  tenant text collate "C" not null,
  id text collate "C" not null,
  client text collate "C" not null,
  subject text collate "C" not null,
  system text collate "C" not null,
  code text collate "C" not null,
  version bigint not null,
  updated bigint not null,
  size bigint not null,
  sealed bytea not null
);

table outbox (
  id bigint not null identity always,
  created bigint not null,
  due bigint not null,
  settled bigint not null,
  attempts integer not null,
  tenant smallint not null,
  state smallint not null,
  sink text collate "C" not null,
  kind text collate "C" not null,
  key text collate "C" not null,
  case_id text collate "C" not null,
  body bytea not null,
  reason text collate "C" not null
);

table package (
  key bigint not null identity always,
  added bigint not null,
  resources bigint not null,
  tenant smallint not null,
  ready smallint not null,
  name text collate "C" not null,
  version text collate "C" not null,
  title text collate "C" not null,
  dependencies text collate "C" not null
);

table package_resource (
  package bigint not null,
  seq bigint not null,
  type text collate "C" not null,
  url text collate "C" not null,
  version text collate "C" not null,
  id text collate "C" not null,
  name text collate "C" not null,
  status text collate "C" not null,
  of_type text collate "C" not null,
  derivation text collate "C" not null,
  kind text collate "C" not null,
  body bytea not null
);

table reference_row (
  rid bigint not null,
  key integer not null,
  tenant smallint not null,
  target text collate "C" not null,
  type text collate "C" not null
);

table reindex (
  version bigint not null,
  signature bigint not null,
  at bigint not null,
  done bigint not null,
  total bigint not null,
  started bigint not null,
  changed bigint not null,
  finished bigint not null,
  until bigint not null,
  tenant smallint not null,
  subject text collate "C" not null,
  holder text collate "C" not null,
  failure text collate "C" not null
);

table resource (
  rid bigint not null,
  version bigint not null,
  updated bigint not null,
  tenant smallint not null,
  deleted smallint not null,
  level smallint not null,
  integrity smallint not null,
  type text collate "C" not null,
  id text collate "C" not null,
  method text collate "C" not null,
  owner text collate "C" not null,
  author text collate "C" not null,
  patient text collate "C" not null,
  grading text collate "C" not null,
  blob text collate "C" not null,
  digest bytea not null,
  salt bytea not null,
  body bytea not null,
  part smallint not null
);

table schema_epoch (
  one bigint not null,
  epoch bigint not null
);

table schema_version (
  name text not null,
  applied bigint not null
);

table signature (
  seq bigint not null identity always,
  version bigint not null,
  at bigint not null,
  tenant smallint not null,
  case_id text collate "C" not null,
  provenance text collate "C" not null,
  target text collate "C" not null,
  digest bytea not null,
  role text collate "C" not null,
  purpose text collate "C" not null,
  stage text collate "C" not null,
  signer text collate "C" not null,
  person text collate "C" not null,
  outcome text collate "C" not null,
  conditions text collate "C" not null
);

table signer (
  created bigint not null,
  failures integer not null,
  principal text collate "C" not null,
  certificate bytea not null,
  sealed bytea not null,
  chain bytea not null
);

table state (
  value bigint not null,
  tenant smallint not null,
  name text collate "C" not null
);

table string_row (
  rid bigint not null,
  key integer not null,
  tenant smallint not null,
  norm text collate "C" not null,
  exact text collate "C" not null,
  rest text collate "C" not null
);

table subscription (
  version bigint not null,
  last bigint not null,
  delivered bigint not null,
  due bigint not null,
  leased bigint not null,
  failing bigint not null,
  attempts integer not null,
  tenant smallint not null,
  id text collate "C" not null,
  subscriber text collate "C" not null,
  status text collate "C" not null,
  shown text collate "C" not null,
  reason text collate "C" not null,
  body bytea not null
);

table subscription_event (
  number bigint not null,
  at bigint not null,
  version bigint not null,
  change smallint not null,
  tenant smallint not null,
  subscription text collate "C" not null,
  type text collate "C" not null,
  id text collate "C" not null
);

table subscription_secret (
  created bigint not null,
  tenant text collate "C" not null,
  id text collate "C" not null,
  subscription text collate "C" not null,
  sealed bytea not null
);

table subscription_warrant (
  tenant smallint not null,
  subscription text collate "C" not null,
  body text not null
);

table tenant (
  tenant smallint not null identity by default,
  name text collate "C" not null
);

table token_row (
  rid bigint not null,
  system bigint not null,
  key integer not null,
  tenant smallint not null,
  code text collate "C" not null
);

table uri_row (
  rid bigint not null,
  key integer not null,
  tenant smallint not null,
  uri text collate "C" not null
);

constraint access_token.access_token_pkey PRIMARY KEY (hash);

constraint anchor.anchor_pkey PRIMARY KEY (kind, name, size);

constraint audit.audit_pkey PRIMARY KEY (id);

constraint audit_about.audit_about_pkey PRIMARY KEY (tenant, ref, at, id);

constraint audit_case.audit_case_pkey PRIMARY KEY (tenant, case_id, id);

constraint audit_export.audit_export_pkey PRIMARY KEY (name);

constraint binding_token.binding_token_pkey PRIMARY KEY (hash);

constraint blob.blob_pkey PRIMARY KEY (tenant, digest);

constraint case_access.case_access_pkey PRIMARY KEY (tenant, principal, case_id);

constraint case_head.case_head_pkey PRIMARY KEY (tenant, case_id);

constraint checkpoint.checkpoint_pkey PRIMARY KEY (size);

constraint code_system.code_system_pkey PRIMARY KEY (key);

constraint concept_chunk.concept_chunk_pkey PRIMARY KEY (code_system, seq);

constraint dicom_awaited.dicom_awaited_pkey PRIMARY KEY (tenant, study);

constraint dicom_change.dicom_change_pkey PRIMARY KEY (tenant, ref);

constraint dicom_index.dicom_index_pkey PRIMARY KEY (tenant, path);

constraint dicom_instance.dicom_instance_pkey PRIMARY KEY (tenant, uid);

constraint dicom_name.dicom_name_pkey PRIMARY KEY (tenant, study, folded);

constraint dicom_peer.dicom_peer_pkey PRIMARY KEY (tenant, title);

constraint dicom_quarantine.dicom_quarantine_pkey PRIMARY KEY (tenant, id);

constraint dicom_series.dicom_series_pkey PRIMARY KEY (tenant, uid);

constraint dicom_study.dicom_study_pkey PRIMARY KEY (tenant, uid);

constraint dicom_subscriber.dicom_subscriber_pkey PRIMARY KEY (tenant, principal, title, workitem);

constraint dicom_value.dicom_value_pkey PRIMARY KEY (tenant, path, value, uid);

constraint dicom_workitem.dicom_workitem_pkey PRIMARY KEY (tenant, uid);

constraint door_key.door_key_pkey PRIMARY KEY (tenant, door, key);

constraint erasure.erasure_pkey PRIMARY KEY (tenant, ref);

constraint feed.feed_pkey PRIMARY KEY (tenant);

constraint history.history_pkey PRIMARY KEY (rid, version);

constraint job.job_pkey PRIMARY KEY (id);

constraint job_file.job_file_pkey PRIMARY KEY (job, ord);

constraint job_patient.job_patient_pkey PRIMARY KEY (job, patient);

constraint leaf.leaf_pkey PRIMARY KEY (seq);

constraint ledger_node.ledger_node_pkey PRIMARY KEY (level, idx);

constraint member.member_pkey PRIMARY KEY (tenant, case_id, type, rid);

constraint oauth_attempt.oauth_attempt_pkey PRIMARY KEY (key);

constraint oauth_client.oauth_client_pkey PRIMARY KEY (tenant, id);

constraint oauth_factor.oauth_factor_pkey PRIMARY KEY (tenant, principal);

constraint oauth_grant.oauth_grant_pkey PRIMARY KEY (id);

constraint oauth_link.oauth_link_pkey PRIMARY KEY (tenant, issuer, subject);

constraint oauth_login.oauth_login_pkey PRIMARY KEY (tenant, name);

constraint oauth_passkey.oauth_passkey_pkey PRIMARY KEY (tenant, id);

constraint oauth_recovery.oauth_recovery_pkey PRIMARY KEY (tenant, principal, hash);

constraint oauth_session.oauth_session_hash_key UNIQUE (hash);

constraint oauth_session.oauth_session_pkey PRIMARY KEY (id);

constraint oauth_slip.oauth_slip_pkey PRIMARY KEY (kind, hash);

constraint oauth_state.oauth_state_pkey PRIMARY KEY (tenant, id);

constraint outbox.outbox_pkey PRIMARY KEY (id);

constraint package.package_pkey PRIMARY KEY (key);

constraint package_resource.package_resource_pkey PRIMARY KEY (package, seq);

constraint reindex.reindex_pkey PRIMARY KEY (tenant, subject);

constraint resource.resource_pkey PRIMARY KEY (rid);

constraint schema_epoch.schema_epoch_one_check CHECK ((one = 1));

constraint schema_epoch.schema_epoch_pkey PRIMARY KEY (one);

constraint schema_version.schema_version_pkey PRIMARY KEY (name);

constraint signature.signature_pkey PRIMARY KEY (seq);

constraint signer.signer_pkey PRIMARY KEY (principal);

constraint state.state_pkey PRIMARY KEY (tenant, name);

constraint subscription.subscription_pkey PRIMARY KEY (tenant, id);

constraint subscription_event.subscription_event_pkey PRIMARY KEY (tenant, subscription, number);

constraint subscription_secret.subscription_secret_pkey PRIMARY KEY (id);

constraint subscription_warrant.subscription_warrant_pkey PRIMARY KEY (tenant, subscription);

constraint tenant.tenant_name_key UNIQUE (name);

constraint tenant.tenant_pkey PRIMARY KEY (tenant);

CREATE UNIQUE INDEX access_token_pkey ON access_token USING btree (hash);

CREATE UNIQUE INDEX anchor_pkey ON anchor USING btree (kind, name, size);

CREATE INDEX audit_at ON audit USING btree (tenant, at);

CREATE UNIQUE INDEX audit_pkey ON audit USING btree (id);

CREATE UNIQUE INDEX audit_about_pkey ON audit_about USING btree (tenant, ref, at, id);

CREATE UNIQUE INDEX audit_case_pkey ON audit_case USING btree (tenant, case_id, id);

CREATE UNIQUE INDEX audit_export_pkey ON audit_export USING btree (name);

CREATE UNIQUE INDEX binding_token_pkey ON binding_token USING btree (hash);

CREATE UNIQUE INDEX blob_pkey ON blob USING btree (tenant, digest);

CREATE INDEX case_access_case ON case_access USING btree (tenant, case_id);

CREATE UNIQUE INDEX case_access_pkey ON case_access USING btree (tenant, principal, case_id);

CREATE UNIQUE INDEX case_head_pkey ON case_head USING btree (tenant, case_id);

CREATE UNIQUE INDEX checkpoint_pkey ON checkpoint USING btree (size);

CREATE UNIQUE INDEX code_system_pkey ON code_system USING btree (key);

CREATE INDEX code_system_ready ON code_system USING btree (tenant, ready, key);

CREATE UNIQUE INDEX code_system_url ON code_system USING btree (tenant, url, version) WHERE (ready = 1);

CREATE UNIQUE INDEX concept_chunk_pkey ON concept_chunk USING btree (code_system, seq);

CREATE INDEX date_high ON date_row USING btree (tenant, key, high, rid) INCLUDE (low);

CREATE INDEX date_low ON date_row USING btree (tenant, key, low, rid) INCLUDE (high);

CREATE INDEX date_resource ON date_row USING btree (rid);

CREATE UNIQUE INDEX dicom_awaited_pkey ON dicom_awaited USING btree (tenant, study);

CREATE UNIQUE INDEX dicom_change_pkey ON dicom_change USING btree (tenant, ref);

CREATE UNIQUE INDEX dicom_index_pkey ON dicom_index USING btree (tenant, path);

CREATE INDEX dicom_instance_order ON dicom_instance USING btree (tenant, study, series, ord, uid);

CREATE UNIQUE INDEX dicom_instance_pkey ON dicom_instance USING btree (tenant, uid);

CREATE UNIQUE INDEX dicom_name_pkey ON dicom_name USING btree (tenant, study, folded);

CREATE INDEX dicom_name_value ON dicom_name USING btree (tenant, folded, study);

CREATE UNIQUE INDEX dicom_peer_pkey ON dicom_peer USING btree (tenant, title);

CREATE INDEX dicom_quarantine_digest ON dicom_quarantine USING btree (tenant, digest);

CREATE INDEX dicom_quarantine_list ON dicom_quarantine USING btree (tenant, state, organization, received, id);

CREATE UNIQUE INDEX dicom_quarantine_pkey ON dicom_quarantine USING btree (tenant, id);

CREATE INDEX dicom_series_modality ON dicom_series USING btree (tenant, modality, study);

CREATE INDEX dicom_series_order ON dicom_series USING btree (tenant, study, ord, uid);

CREATE UNIQUE INDEX dicom_series_pkey ON dicom_series USING btree (tenant, uid);

CREATE INDEX dicom_study_accession ON dicom_study USING btree (tenant, accession_number);

CREATE INDEX dicom_study_date ON dicom_study USING btree (tenant, study_date DESC, uid);

CREATE INDEX dicom_study_patient ON dicom_study USING btree (tenant, patient_id);

CREATE UNIQUE INDEX dicom_study_pkey ON dicom_study USING btree (tenant, uid);

CREATE INDEX dicom_study_resource ON dicom_study USING btree (tenant, resource);

CREATE UNIQUE INDEX dicom_subscriber_pkey ON dicom_subscriber USING btree (tenant, principal, title, workitem);

CREATE UNIQUE INDEX dicom_value_pkey ON dicom_value USING btree (tenant, path, value, uid);

CREATE INDEX dicom_value_uid ON dicom_value USING btree (tenant, uid, path, value);

CREATE UNIQUE INDEX dicom_workitem_pkey ON dicom_workitem USING btree (tenant, uid);

CREATE INDEX dicom_workitem_resource ON dicom_workitem USING btree (tenant, resource);

CREATE INDEX dicom_workitem_scheduled ON dicom_workitem USING btree (tenant, scheduled, uid);

CREATE INDEX dicom_workitem_state ON dicom_workitem USING btree (tenant, state, scheduled, uid);

CREATE UNIQUE INDEX door_key_pkey ON door_key USING btree (tenant, door, key);

CREATE UNIQUE INDEX erasure_pkey ON erasure USING btree (tenant, ref);

CREATE UNIQUE INDEX feed_pkey ON feed USING btree (tenant);

CREATE INDEX group_code ON group_row USING btree (tenant, key, code, rid);

CREATE INDEX group_resource ON group_row USING btree (rid, key, grp);

CREATE INDEX history_blob ON history USING btree (tenant, blob) WHERE (blob <> ''::text);

CREATE UNIQUE INDEX history_pkey ON history USING btree (rid, version);

CREATE INDEX history_updated ON history USING btree (tenant, type, updated, rid, version);

CREATE INDEX job_due ON job USING btree (due, id) WHERE (state = 0);

CREATE INDEX job_expires ON job USING btree (expires);

CREATE INDEX job_owner ON job USING btree (tenant, owner, state);

CREATE UNIQUE INDEX job_pkey ON job USING btree (id);

CREATE UNIQUE INDEX job_file_pkey ON job_file USING btree (job, ord);

CREATE UNIQUE INDEX job_patient_pkey ON job_patient USING btree (job, patient);

CREATE UNIQUE INDEX leaf_index ON leaf USING btree (idx) WHERE (idx IS NOT NULL);

CREATE INDEX leaf_pending ON leaf USING btree (seq) WHERE (idx IS NULL);

CREATE UNIQUE INDEX leaf_pkey ON leaf USING btree (seq);

CREATE INDEX leaf_ref ON leaf USING btree (ref);

CREATE UNIQUE INDEX ledger_node_pkey ON ledger_node USING btree (level, idx);

CREATE UNIQUE INDEX member_pkey ON member USING btree (tenant, case_id, type, rid);

CREATE INDEX member_resource ON member USING btree (rid, case_id);

CREATE INDEX number_high ON number_row USING btree (tenant, key, canonical, high, rid) INCLUDE (low);

CREATE INDEX number_low ON number_row USING btree (tenant, key, canonical, low, rid) INCLUDE (high);

CREATE INDEX number_resource ON number_row USING btree (rid);

CREATE UNIQUE INDEX oauth_attempt_pkey ON oauth_attempt USING btree (key);

CREATE INDEX oauth_attempt_since ON oauth_attempt USING btree (since);

CREATE UNIQUE INDEX oauth_client_pkey ON oauth_client USING btree (tenant, id);

CREATE UNIQUE INDEX oauth_factor_pkey ON oauth_factor USING btree (tenant, principal);

CREATE INDEX oauth_grant_expires ON oauth_grant USING btree (expires);

CREATE UNIQUE INDEX oauth_grant_pkey ON oauth_grant USING btree (id);

CREATE INDEX oauth_grant_principal ON oauth_grant USING btree (tenant, principal);

CREATE UNIQUE INDEX oauth_link_pkey ON oauth_link USING btree (tenant, issuer, subject);

CREATE UNIQUE INDEX oauth_login_pkey ON oauth_login USING btree (tenant, name);

CREATE UNIQUE INDEX oauth_passkey_pkey ON oauth_passkey USING btree (tenant, id);

CREATE INDEX oauth_passkey_principal ON oauth_passkey USING btree (tenant, principal);

CREATE UNIQUE INDEX oauth_recovery_pkey ON oauth_recovery USING btree (tenant, principal, hash);

CREATE INDEX oauth_session_expires ON oauth_session USING btree (expires);

CREATE UNIQUE INDEX oauth_session_hash_key ON oauth_session USING btree (hash);

CREATE UNIQUE INDEX oauth_session_pkey ON oauth_session USING btree (id);

CREATE INDEX oauth_session_principal ON oauth_session USING btree (tenant, principal);

CREATE INDEX oauth_slip_expires ON oauth_slip USING btree (expires);

CREATE UNIQUE INDEX oauth_slip_pkey ON oauth_slip USING btree (kind, hash);

CREATE INDEX oauth_state_client ON oauth_state USING btree (tenant, client, size);

CREATE UNIQUE INDEX oauth_state_pkey ON oauth_state USING btree (tenant, id);

CREATE INDEX oauth_state_subject ON oauth_state USING btree (tenant, subject, code, system);

CREATE INDEX outbox_dead ON outbox USING btree (id) WHERE (state = 2);

CREATE INDEX outbox_due ON outbox USING btree (due, id) WHERE (state = 0);

CREATE UNIQUE INDEX outbox_key ON outbox USING btree (tenant, sink, key);

CREATE UNIQUE INDEX outbox_pkey ON outbox USING btree (id);

CREATE UNIQUE INDEX package_name ON package USING btree (tenant, name, version) WHERE (ready = 1);

CREATE UNIQUE INDEX package_pkey ON package USING btree (key);

CREATE INDEX package_ready ON package USING btree (tenant, ready, key);

CREATE UNIQUE INDEX package_resource_pkey ON package_resource USING btree (package, seq);

CREATE INDEX reference_resource ON reference_row USING btree (rid);

CREATE INDEX reference_target ON reference_row USING btree (tenant, target, key, rid) INCLUDE (type);

CREATE UNIQUE INDEX reindex_pkey ON reindex USING btree (tenant, subject);

CREATE INDEX resource_blob ON resource USING btree (tenant, blob) WHERE (blob <> ''::text);

CREATE UNIQUE INDEX resource_id ON resource USING btree (tenant, type, id);

CREATE INDEX resource_owner ON resource USING btree (tenant, owner, type, rid);

CREATE INDEX resource_patient ON resource USING btree (tenant, patient, type, rid) WHERE (patient <> ''::text);

CREATE UNIQUE INDEX resource_pkey ON resource USING btree (rid);

CREATE INDEX resource_type ON resource USING btree (tenant, type, rid);

CREATE INDEX resource_updated ON resource USING btree (tenant, type, updated, rid);

CREATE UNIQUE INDEX schema_epoch_pkey ON schema_epoch USING btree (one);

CREATE UNIQUE INDEX schema_version_pkey ON schema_version USING btree (name);

CREATE INDEX signature_case ON signature USING btree (tenant, case_id, seq);

CREATE UNIQUE INDEX signature_pkey ON signature USING btree (seq);

CREATE INDEX signature_target ON signature USING btree (tenant, target, seq);

CREATE UNIQUE INDEX signer_pkey ON signer USING btree (principal);

CREATE UNIQUE INDEX state_pkey ON state USING btree (tenant, name);

CREATE INDEX string_resource ON string_row USING btree (rid);

CREATE INDEX string_value ON string_row USING btree (tenant, key, norm, rid);

CREATE INDEX string_words ON string_row USING gin (string_to_array((norm || rest), ' '::text)) WHERE (key = '-1633481677'::integer);

CREATE INDEX subscription_due ON subscription USING btree (due, id);

CREATE UNIQUE INDEX subscription_pkey ON subscription USING btree (tenant, id);

CREATE INDEX subscription_event_at ON subscription_event USING btree (at);

CREATE UNIQUE INDEX subscription_event_pkey ON subscription_event USING btree (tenant, subscription, number);

CREATE UNIQUE INDEX subscription_secret_pkey ON subscription_secret USING btree (id);

CREATE UNIQUE INDEX subscription_warrant_pkey ON subscription_warrant USING btree (tenant, subscription);

CREATE UNIQUE INDEX tenant_name_key ON tenant USING btree (name);

CREATE UNIQUE INDEX tenant_pkey ON tenant USING btree (tenant);

CREATE INDEX token_resource ON token_row USING btree (rid);

CREATE INDEX token_value ON token_row USING btree (tenant, key, code, rid) INCLUDE (system);

CREATE INDEX uri_resource ON uri_row USING btree (rid);

CREATE INDEX uri_value ON uri_row USING btree (tenant, key, uri, rid);

