-- Makes changes of one product queue up, also while it does not exist yet. $1 sku
SELECT pg_advisory_xact_lock(hashtextextended('products/' || $1, 0))
