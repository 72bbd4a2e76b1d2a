-- The read model of orders, the customer projection, the price list and the stock
-- depends:

-- migrate: apply
-- Written in the transaction that appends the event, so its writer reads it back at once.
CREATE TABLE orders (
    -- The id of the aggregate, a UUIDv7: its order in "C" is the order of creation.
    id text COLLATE "C" PRIMARY KEY,
    -- users/{id}
    customer text COLLATE "C" NOT NULL,
    -- Number of causeway.orders.v1.Order.State
    state smallint NOT NULL,
    -- Version of the event stream that this row shows
    version bigint NOT NULL,
    currency text NOT NULL,
    -- Amounts are exact: nanos of the currency. A total can pass 2^63 nanos, hence numeric.
    total numeric(40, 0) NOT NULL,
    -- Parallel arrays, one element a line
    skus text[] NOT NULL,
    quantities integer[] NOT NULL,
    unit_prices bigint[] NOT NULL,
    reject_reason text NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL
);

CREATE INDEX orders_by_customer ON orders (customer, id DESC);
CREATE INDEX orders_by_state ON orders (state, id DESC);

-- What Orders knows of its customers, from the events of Users.
CREATE TABLE customers (
    user_id text COLLATE "C" PRIMARY KEY,
    username text NOT NULL,
    display_name text NOT NULL,
    register_time timestamptz NOT NULL
);

CREATE TABLE products (
    sku text COLLATE "C" PRIMARY KEY,
    display_name text NOT NULL,
    currency text NOT NULL,
    -- Nanos of the currency
    price bigint NOT NULL CHECK (price >= 0),
    version bigint NOT NULL,
    update_time timestamptz NOT NULL
);

-- Apart from the products: stock may arrive before its product is listed.
CREATE TABLE stock (
    sku text COLLATE "C" PRIMARY KEY,
    pieces bigint NOT NULL
);

-- migrate: rollback
DROP TABLE stock;
DROP TABLE products;
DROP TABLE customers;
DROP TABLE orders;
