-- Makes changes of one order queue up instead of meeting as a version conflict. $1 id
SELECT id FROM orders WHERE id = $1 FOR UPDATE
