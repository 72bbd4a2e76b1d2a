-- Name and address of user $1.
SELECT display_name, email FROM recipients WHERE user_id = $1
