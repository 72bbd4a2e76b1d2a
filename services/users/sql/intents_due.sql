-- Leases at most $2 registrations for $1 that nobody works on and that can be settled now.
UPDATE intents SET lease_until = now() + $1::interval
WHERE id = ANY (ARRAY( -- Once: IN may choose anew for each row, and lease all of them.
    SELECT id FROM intents
    WHERE settle_after <= now() AND lease_until <= now()
    ORDER BY lease_until -- What failed stands behind what was not tried for longer.
    LIMIT $2
    FOR UPDATE SKIP LOCKED
))
RETURNING *
