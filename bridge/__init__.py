"""Event store, relay, consumer and everything that carries an event; usable as a library."""
