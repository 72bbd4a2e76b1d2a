-- Shows new orders in the statement that begins their streams. Nobody watches an order before it is
-- there, so nobody is woken. $23 the rows, as JSON
INSERT INTO orders (
    id, customer, state, version, currency, total, skus, quantities, unit_prices, reject_reason,
    create_time, update_time
)
SELECT
    id, customer, state, version, currency, total, skus, quantities, unit_prices, reject_reason,
    create_time, update_time
FROM json_to_recordset($23::json) AS new (
    id text, customer text, state smallint, version bigint, currency text, total numeric,
    skus text[], quantities integer[], unit_prices bigint[], reject_reason text,
    create_time timestamptz, update_time timestamptz
)
WHERE 'orders/' || id IN (SELECT stream FROM beginning)
