-- Ends registration $1; true if it was there in the given state ($2: abandoned).
DELETE FROM intents WHERE id = $1 AND abandoned = $2 RETURNING true
