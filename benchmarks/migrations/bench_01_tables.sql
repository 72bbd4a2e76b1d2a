-- What the measurements write beside the bridge's own tables
-- depends:

-- migrate: apply
-- The least that could hold an event: what an append is compared with.
CREATE TABLE bare (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream text NOT NULL,
    data bytea NOT NULL
);

-- How many events of each key a handler has seen.
CREATE TABLE seen (
    key text PRIMARY KEY,
    count bigint NOT NULL
);

-- Orders per customer: a projection to build anew.
CREATE TABLE orders_per_customer (
    customer text COLLATE "C" PRIMARY KEY,
    orders bigint NOT NULL
);

-- migrate: rollback
DROP TABLE bare, seen, orders_per_customer;
