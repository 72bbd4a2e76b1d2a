-- Writes a product. $1 sku, $2 display name, $3 currency, $4 price, $5 version
INSERT INTO products (sku, display_name, currency, price, version, update_time)
VALUES ($1, $2, $3, $4, $5, now())
ON CONFLICT (sku) DO UPDATE SET
    display_name = excluded.display_name,
    currency = excluded.currency,
    price = excluded.price,
    version = excluded.version,
    update_time = excluded.update_time
