-- take --
-- Notes that group $1 handles events $2 at try $3 in epoch $4 (0: live); gives those that it has
-- not handled before. A member that lost its partition and is still at work on one of them is
-- waited for.
INSERT INTO bridge.inbox (consumer_group, event_id, attempts, epoch)
SELECT $1::text, event_id, $3::int, $4::bigint FROM unnest($2::uuid[]) AS event_id
ON CONFLICT DO NOTHING
RETURNING event_id::text
