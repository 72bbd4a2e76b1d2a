-- register --
-- Writes what group $1 consumes: topics $2, types $3, tables $4, effects $5, live $6. Since when
-- its inbox is whole stays as it is.
INSERT INTO bridge.consumers (consumer_group, topics, types, tables, effects, live)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (consumer_group) DO UPDATE SET
    topics = excluded.topics, types = excluded.types, tables = excluded.tables,
    effects = excluded.effects, live = excluded.live, update_time = now()
