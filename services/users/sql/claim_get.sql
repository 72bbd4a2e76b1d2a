-- The answer of user $1 to order $2.
SELECT answer, amount FROM claims WHERE user_id = $1 AND order_name = $2
