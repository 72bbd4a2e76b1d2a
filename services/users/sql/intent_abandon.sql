-- Gives registration $1 up: its name is free; it is looked at once more after $2.
UPDATE intents SET abandoned = true, lease_until = now(), settle_after = now() + $2::interval
WHERE id = $1 AND NOT abandoned
