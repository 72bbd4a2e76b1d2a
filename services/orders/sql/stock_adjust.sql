-- Counts pieces in or out. $1 sku, $2 pieces
INSERT INTO stock (sku, pieces) VALUES ($1, $2)
ON CONFLICT (sku) DO UPDATE SET pieces = stock.pieces + excluded.pieces
