-- Shows an order at its new version, and wakes those who watch it when the transaction commits,
-- unless nobody can watch it, or nothing is new to them: a new order, or a rebuild.
-- $1 id, $2 customer, $3 state, $4 version, $5 currency, $6 total, $7 skus, $8 quantities,
-- $9 unit prices, $10 reject reason, $11 create time, $12 update time, $13 whether to wake
WITH saved AS (
    INSERT INTO orders (
        id, customer, state, version, currency, total, skus, quantities, unit_prices,
        reject_reason, create_time, update_time
    )
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (id) DO UPDATE SET
        state = excluded.state,
        version = excluded.version,
        reject_reason = excluded.reject_reason,
        update_time = excluded.update_time
    RETURNING id
)
SELECT pg_notify('orders_changed', id) FROM saved WHERE $13::boolean
