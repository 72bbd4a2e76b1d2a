-- One order. $1 id
SELECT * FROM orders WHERE id = $1
