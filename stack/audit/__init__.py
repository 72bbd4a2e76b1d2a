"""What `causeway events`, `deadletters` and `replay` ask of the API, and how they show it."""
