"""Subscriptions to the log: one reader a process follows it for all, tokens say who is where."""
