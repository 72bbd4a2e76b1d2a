-- The products among these. $1 skus
SELECT sku, currency, price FROM products WHERE sku = any($1::text[])
