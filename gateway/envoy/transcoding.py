"""REST to gRPC and back, from the bindings in the descriptors."""

import base64

from envoy.extensions.filters.http.grpc_json_transcoder.v3.transcoder_pb2 import GrpcJsonTranscoder

from gateway.envoy.bare_descriptors import bare
from gateway.envoy.typed import typed
from gateway.model import Model

MAX_REQUEST_BODY = 128 * 1024
"""Bytes of JSON, wordier than protobuf. A buffer before it counts them, since the transcoder
counts what it keeps alone. The buffer behind it limits the message."""
MAX_RESPONSE_BODY = 4 * 1024 * 1024
"""Bytes; gRPC's own default limit. Without it a reply above the connection's buffer limit
becomes a 500 after the backend has done its work."""


def transcoding(model: Model, *, server_sent_events: bool = False) -> GrpcJsonTranscoder:
    """Streams are newline-delimited JSON, or Server-Sent Events."""
    style = "stream_sse_style_delimited" if server_sent_events else "stream_newline_delimited"
    return typed(
        GrpcJsonTranscoder,
        # In the message, because a file that is only named is not read again on a change.
        proto_descriptor_bin=base64.b64encode(bare(model.descriptors)).decode(),
        services=[service.name for service in model.services],
        auto_mapping=False,
        convert_grpc_status=True,
        query_param_unescape_plus=True,
        print_options={"always_print_primitive_fields": True, style: True},
        request_validation_options={
            "reject_unknown_method": True,
            "reject_unknown_query_parameters": True,
            "reject_binding_body_field_collisions": True,
        },
        max_request_body_size=MAX_REQUEST_BODY,
        max_response_body_size=MAX_RESPONSE_BODY,
    )
