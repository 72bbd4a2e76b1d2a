"""Model and Deployment → Envoy's configuration, one module for each thing Envoy is told."""
