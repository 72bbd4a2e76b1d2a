-- Begins change $1 of user $2, leased for $12 and settled after $13; true unless one of the kind is
-- under way for that user, or one of the same request. Waits for one that is about to commit.
INSERT INTO identity_changes (
    id, user_id, kind, display_name, email, reason, caller, method, request_id, body_hash, origin,
    lease_until, settle_after
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, now() + $12::interval, now() + $13::interval)
ON CONFLICT DO NOTHING
RETURNING true
