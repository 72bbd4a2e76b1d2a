-- A page of orders, newest first.
-- $1 customer, null for everybody's; $2 state, null for all; $3 the id before this page, null for
-- the first; $4 rows
SELECT *
FROM orders
WHERE
    ($1::text IS NULL OR customer = $1)
    AND ($2::smallint IS NULL OR state = $2)
    AND ($3::text IS NULL OR id < $3)
ORDER BY id DESC
LIMIT $4
