-- Follows a change of name. $1 user id, $2 display name
UPDATE customers SET display_name = $2 WHERE user_id = $1
