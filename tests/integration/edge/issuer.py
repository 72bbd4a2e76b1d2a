"""A token issuer in place of Keycloak: an RSA key, its JWKS over HTTP, tokens of any shape."""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from gateway import identity


class Issuer:
    def __init__(self, port: int) -> None:
        self.port = port
        self.issuer = f"http://127.0.0.1:{port}/realms/causeway"
        self.rotate()

    def rotate(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.kid = uuid.uuid4().hex

    def jwks(self) -> bytes:
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        key = public | {"kid": self.kid, "alg": "RS256", "use": "sig"}
        return json.dumps({"keys": [key]}).encode()

    def claims(self, *roles: str, **changed: Any) -> dict[str, Any]:
        """What an access token says; a claim that is given as None is left out."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": identity.AUDIENCE,
            "azp": identity.CLI,
            "typ": "Bearer",
            "sub": "0198-somebody",
            "iat": now,
            "exp": now + 300,
            "realm_access": {"roles": list(roles)},
        } | changed
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, *roles: str, **changed: Any) -> str:
        """An access token with these claims."""
        claims = self.claims(*roles, **changed)
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": self.kid})


@contextmanager
def serving(port: int) -> Iterator[Issuer]:
    issuer = Issuer(port)

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = issuer.jwks()
            self.send_response(200 if self.path == identity.jwks_path() else 404)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", port), Keys, bind_and_activate=False)
    server.request_queue_size = 128  # 5 by default: a sixth who asks at once waits for a second
    server.server_bind()
    server.server_activate()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
