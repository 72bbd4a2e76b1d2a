-- What the handlers of a torture run write, and the word that cures its poison
-- depends:

-- migrate: apply
-- No unique constraint: an effect that comes twice is what a run looks for.
CREATE TABLE effects (
    ordinal bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer_group text NOT NULL,
    event_id uuid NOT NULL,
    stream text NOT NULL,
    version bigint NOT NULL
);

-- A row here: poisonous events from before that time can be handled.
CREATE TABLE cures (time timestamptz NOT NULL DEFAULT now());

-- migrate: rollback
DROP TABLE cures, effects;
