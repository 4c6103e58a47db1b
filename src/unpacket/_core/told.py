"""What is known of a stream, as JSON: the part that is alike for each of them.

A list of streams has a line for each, and is as long as the capture is. The standard
library's encoder is for any object, and took longer than reassembly.
"""

from unpacket._core.events import CLIENT, SERVER
from unpacket._core.state import Stream, address_text


def told(stream: Stream, digests: str, troubles: str) -> str:
    """Return a JSON object in one line, as ``json.dumps`` would without spaces.

    Args:
        digests, troubles: Members to put in, each empty or with a comma at its end.
    """
    # What stands in quotes here is of letters that JSON leaves as they are: addresses,
    # and names of ours.
    client_is_a = stream.client_is_a()
    client_address = address_text(stream, client_is_a)
    server_address = address_text(stream, not client_is_a)
    client_port = stream.ports >> 16 if client_is_a else stream.ports & 0xFFFF
    server_port = stream.ports & 0xFFFF if client_is_a else stream.ports >> 16
    reason = stream.close_reason
    end = "null" if reason is None else f'"{reason}"'
    whole = "true" if stream.complete else "false"
    return (
        f'{{"id":{stream.id},'
        f'"client":{{"address":"{client_address}","port":{client_port}}},'
        f'"server":{{"address":"{server_address}","port":{server_port}}},'
        f'"role_evidence":"{stream.role_evidence}","path":"{stream.path}",'
        f'"first_ns":{stream.first_ns},"last_ns":{stream.last_ns},'
        f'"packets":{{"client":{stream.packets(CLIENT)},'
        f'"server":{stream.packets(SERVER)}}},'
        f'"duplicates":{{"client":{stream.duplicates(CLIENT)},'
        f'"server":{stream.duplicates(SERVER)}}},'
        f'"other_channel":{{"client":{stream.other_channel(CLIENT)},'
        f'"server":{stream.other_channel(SERVER)}}},'
        f'"retransmissions":{{"client":{stream.retransmissions(CLIENT)},'
        f'"server":{stream.retransmissions(SERVER)}}},'
        f'"bytes":{{"client":{stream.delivered_bytes(CLIENT)},'
        f'"server":{stream.delivered_bytes(SERVER)}}},'
        f'{digests}{troubles}"close_reason":{end},"complete":{whole}}}'
    )
