-- By which leave an app subscribed (JSON: client, patient, grant, scope), written with
-- the version of the Subscription; no row where no app was between.
CREATE TABLE subscription_warrant (
  tenant       INTEGER NOT NULL,
  subscription TEXT NOT NULL,
  body         TEXT NOT NULL,
  PRIMARY KEY (tenant, subscription)
) STRICT, WITHOUT ROWID;
