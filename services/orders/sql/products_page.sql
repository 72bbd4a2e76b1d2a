-- A page of the price list, by sku. $1 the sku before this page, null for the first; $2 rows
SELECT products.*, coalesce(stock.pieces, 0) AS stock
FROM products LEFT JOIN stock USING (sku)
WHERE $1::text IS NULL OR sku > $1
ORDER BY sku
LIMIT $2
