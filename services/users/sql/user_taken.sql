-- Which of username $1 and address $2 a user has already: "username", "email", or no row.
SELECT CASE WHEN lower(username) = lower($1) THEN 'username' ELSE 'email' END
FROM users
WHERE lower(username) = lower($1) OR lower(email) = lower($2)
ORDER BY lower(username) = lower($1) DESC
LIMIT 1
