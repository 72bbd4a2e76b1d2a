-- How user $1 wants to be told.
SELECT email_disabled, webhook_uri, webhook_secret, version FROM preferences WHERE user_id = $1
