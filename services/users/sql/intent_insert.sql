-- Begins a registration, leased for $9 and settled after $10; true unless another one that is
-- under way has its username, its address or its request. Waits for one that is about to commit.
INSERT INTO intents (
    id, username, display_name, email, caller, request_id, body_hash, origin,
    lease_until, settle_after
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9::interval, now() + $10::interval)
ON CONFLICT DO NOTHING
RETURNING true
