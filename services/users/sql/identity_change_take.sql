-- Leases change $1 for $2, and lets it settle after $3; true if it was free. One that is done stays
-- as it is: its requests to Keycloak are no more.
UPDATE identity_changes
SET lease_until = now() + $2::interval,
    settle_after = CASE WHEN finished THEN settle_after ELSE now() + $3::interval END
WHERE id = $1 AND lease_until <= now()
RETURNING true
