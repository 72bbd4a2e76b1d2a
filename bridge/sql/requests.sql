-- claim --
-- Takes (caller $1, method $2, request_id $3) with body digest $4; true if it was free. Waits for
-- a transaction that is about to take the same.
INSERT INTO bridge.requests (caller, method, request_id, body) VALUES ($1, $2, $3, $4)
ON CONFLICT (caller, method, request_id) DO NOTHING
RETURNING true

-- first --
-- Reads what the first call with this request_id asked for and made.
SELECT body, resource FROM bridge.requests WHERE caller = $1 AND method = $2 AND request_id = $3

-- settle --
-- Names the resource that the claimed request made.
UPDATE bridge.requests SET resource = $4 WHERE caller = $1 AND method = $2 AND request_id = $3
