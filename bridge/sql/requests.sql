-- claim --
-- Takes (caller $1, method $2, request_id $3) with body digest $4; true if it was free. Waits for
-- a transaction that is about to take the same.
INSERT INTO bridge.requests (caller, method, request_id, body) VALUES ($1, $2, $3, $4)
ON CONFLICT (caller, method, request_id) DO NOTHING
RETURNING true

-- claim_all --
-- Takes those of (callers $1, methods $2, request_ids $3) with body digests $4 that are free, each for
-- the resource in $5 that it makes; gives these resources. Waits as `claim` does, in an order that
-- is everybody's, so that two never wait for each other.
INSERT INTO bridge.requests (caller, method, request_id, body, resource)
SELECT caller, method, request_id, body, resource
FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::text[])
    AS one (caller, method, request_id, body, resource)
ORDER BY caller COLLATE "C", method COLLATE "C", request_id COLLATE "C"
ON CONFLICT (caller, method, request_id) DO NOTHING
RETURNING resource

-- first --
-- Reads what the first call with this request_id asked for and made.
SELECT body, resource FROM bridge.requests WHERE caller = $1 AND method = $2 AND request_id = $3

-- settle --
-- Names the resource that the claimed request made.
UPDATE bridge.requests SET resource = $4 WHERE caller = $1 AND method = $2 AND request_id = $3
