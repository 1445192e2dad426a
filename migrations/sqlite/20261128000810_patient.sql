-- What is about one patient: an app with a patient in its context reaches no more.

CREATE INDEX resource_patient ON resource (tenant, patient, type, rid) WHERE patient <> '';
