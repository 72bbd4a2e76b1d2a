-- Whether user $1 is deactivated, or is about to be.
SELECT EXISTS (SELECT FROM users WHERE id = $1 AND NOT active)
OR EXISTS (SELECT FROM identity_changes WHERE user_id = $1 AND kind = 'deactivate')
