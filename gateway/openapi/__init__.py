"""Model → OpenAPI 3.1: the REST surface as the edge serves it."""
