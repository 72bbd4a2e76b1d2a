-- Ends change $1; true if it was there and not done.
DELETE FROM identity_changes WHERE id = $1 RETURNING NOT finished
