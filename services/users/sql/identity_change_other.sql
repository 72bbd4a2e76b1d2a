-- The change under way that one of kind $2 of user $1, or of request $5 of caller $3 at method $4,
-- meets; `leased`: a process works on it; `settled`: no request to Keycloak is open any more.
SELECT *, lease_until > now() AS leased, settle_after <= now() AS settled
FROM identity_changes
WHERE (user_id = $1 AND kind = $2)
OR (caller = $3 AND method = $4 AND request_id = $5 AND request_id <> '')
ORDER BY (caller = $3 AND method = $4 AND request_id = $5 AND request_id <> '') DESC
LIMIT 1
