-- Makes a customer known. A replay writes the same row again.
-- $1 user id, $2 username, $3 display name, $4 time
INSERT INTO customers (user_id, username, display_name, register_time) VALUES ($1, $2, $3, $4)
ON CONFLICT (user_id) DO UPDATE SET
    username = excluded.username,
    display_name = excluded.display_name,
    register_time = excluded.register_time
