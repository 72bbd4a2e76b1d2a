"""Orders: an event-sourced aggregate, its read model and the price list."""
