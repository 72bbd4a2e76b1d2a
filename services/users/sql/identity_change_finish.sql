-- Marks change $1 as done; true if it was not. It stays while a request of it may come late.
UPDATE identity_changes SET finished = true, lease_until = now()
WHERE id = $1 AND NOT finished
RETURNING true
