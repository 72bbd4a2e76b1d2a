-- The registration under way that username $1, address $2 or request $4 of caller $3 meets;
-- `leased`: a process works on it; `settled`: no request to Keycloak is open any more.
SELECT *, lease_until > now() AS leased, settle_after <= now() AS settled
FROM intents
WHERE NOT abandoned
AND (
    lower(username) = lower($1)
    OR lower(email) = lower($2)
    OR (caller = $3 AND request_id = $4 AND request_id <> '')
)
ORDER BY (caller = $3 AND request_id = $4 AND request_id <> '') DESC
LIMIT 1
