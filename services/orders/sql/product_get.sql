-- One product with its stock. $1 sku
SELECT products.*, coalesce(stock.pieces, 0) AS stock
FROM products LEFT JOIN stock USING (sku)
WHERE sku = $1
