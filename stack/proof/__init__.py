"""`causeway check`: the proof of `gateway.proof` against the platform that runs."""
