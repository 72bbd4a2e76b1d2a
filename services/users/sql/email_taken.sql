-- True if a user other than $2 has the address $1.
SELECT true FROM users WHERE lower(email) = lower($1) AND id <> $2
