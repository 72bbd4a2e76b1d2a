-- At most $3 users whose username comes after $2 and where the username, the display
-- name or the address begins with $1, in the order of their usernames.
SELECT * FROM users
WHERE username > $2
AND (
    starts_with(lower(username), lower($1))
    OR starts_with(lower(email), lower($1))
    OR starts_with(lower(display_name), lower($1))
)
ORDER BY username
LIMIT $3
