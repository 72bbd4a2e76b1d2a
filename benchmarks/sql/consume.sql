-- upsert --
-- Counts one event of key $1.
INSERT INTO seen (key, count) VALUES ($1, 1)
ON CONFLICT (key) DO UPDATE SET count = seen.count + 1
