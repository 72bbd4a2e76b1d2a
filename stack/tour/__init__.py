"""The tour: one order on its way through every part, told as it happens."""
