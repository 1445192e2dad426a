-- By which leave an app subscribed (JSON: client, patient, grant, scope), written with
-- the version of the Subscription; no row where no app was between.
CREATE TABLE subscription_warrant (
  tenant       smallint NOT NULL,
  subscription text COLLATE "C" NOT NULL,
  body         text NOT NULL,
  PRIMARY KEY (tenant, subscription)
);
