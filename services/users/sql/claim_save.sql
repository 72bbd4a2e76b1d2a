-- Keeps the answer $3 of user $1 to order $2, with $4 nanos held.
INSERT INTO claims (user_id, order_name, answer, amount) VALUES ($1, $2, $3, $4)
ON CONFLICT (user_id, order_name) DO UPDATE SET answer = excluded.answer, amount = excluded.amount
