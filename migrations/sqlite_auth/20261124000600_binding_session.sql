-- The token with which a binding was asked for: what is bound ends with it.
ALTER TABLE binding_token ADD COLUMN session TEXT NOT NULL DEFAULT '';
