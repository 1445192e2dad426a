-- By which grant of an app a job works, and with which scopes; '' without an app.
ALTER TABLE job ADD COLUMN grant_id TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN scope TEXT NOT NULL DEFAULT '';
