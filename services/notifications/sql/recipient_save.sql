-- Knows user $1 by name $2 and address $3 from now on.
INSERT INTO recipients (user_id, display_name, email) VALUES ($1, $2, $3)
ON CONFLICT (user_id) DO UPDATE SET display_name = excluded.display_name, email = excluded.email
