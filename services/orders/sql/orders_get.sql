-- Those of these orders that there are. $1 ids
SELECT * FROM orders WHERE id = ANY ($1::text[])
