-- Shows a user as it is after version $8 of its stream.
INSERT INTO users (
    id, username, display_name, email, credit_limit, reserved, active, version,
    create_time, update_time
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (id) DO UPDATE SET
    display_name = excluded.display_name,
    email = excluded.email,
    credit_limit = excluded.credit_limit,
    reserved = excluded.reserved,
    active = excluded.active,
    version = excluded.version,
    update_time = excluded.update_time
