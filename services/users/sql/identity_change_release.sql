-- Lets the next request go on with change $1 at once.
UPDATE identity_changes SET lease_until = now() WHERE id = $1
