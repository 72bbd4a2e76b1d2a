-- Lets the next request go on with registration $1 at once.
UPDATE intents SET lease_until = now() WHERE id = $1
