-- Leases registration $1 for $2, and lets it settle after $3; true if it was free.
UPDATE intents
SET lease_until = now() + $2::interval, settle_after = now() + $3::interval
WHERE id = $1 AND NOT abandoned AND lease_until <= now()
RETURNING true
