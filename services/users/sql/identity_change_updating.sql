-- Whether a process works on an update of user $1.
SELECT EXISTS (
    SELECT FROM identity_changes
    WHERE user_id = $1 AND kind = 'update' AND NOT finished AND lease_until > now()
)
