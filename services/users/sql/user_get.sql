-- The user with the id $1, as after its last event.
SELECT * FROM users WHERE id = $1
