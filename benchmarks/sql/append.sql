-- bare_insert --
-- One event, no version, no outbox.
INSERT INTO bare (stream, data) VALUES ($1, $2)
