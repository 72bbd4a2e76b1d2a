"""Users: identities in Keycloak, credit here."""
