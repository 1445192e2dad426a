-- A person's own certificate, issued by somebody else, and those between it and
-- its root, DER one after the other. Then `certificate` is the binding of its key
-- to the principal, and `sealed` is empty: the key is not here.

ALTER TABLE signer ADD COLUMN chain BLOB NOT NULL DEFAULT x'';
