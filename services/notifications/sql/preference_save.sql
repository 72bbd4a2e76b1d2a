-- Keeps how user $1 wants to be told: $2 e-mail disabled, $3 webhook, $4 its secret, $5 version
INSERT INTO preferences (user_id, email_disabled, webhook_uri, webhook_secret, version)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (user_id) DO UPDATE SET
    email_disabled = excluded.email_disabled,
    webhook_uri = excluded.webhook_uri,
    webhook_secret = excluded.webhook_secret,
    version = excluded.version,
    update_time = now()
