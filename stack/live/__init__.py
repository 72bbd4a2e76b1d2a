"""Changes of a platform that runs: edge, realm, topics, schemas, replicas."""
