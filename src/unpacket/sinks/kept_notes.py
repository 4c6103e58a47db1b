"""What of the notes of a capture belongs to one of its streams: names, keys, comments.

Of a key log the lines are kept whose client random a ClientHello of the stream has
(RFC 8446 section 4.1.2): of all others nothing in the stream can be decrypted. Keys of
other kinds do not say whose they are, and go along as long as they are few.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from unpacket._core.memory.batch import Batch
from unpacket.sinks.pcapng import decryption_secrets, name_resolution
from unpacket.sources.formats.notes import SECRETS, Notes
from unpacket.tls.key_log import lines_by_random

# A TLS record with a handshake (RFC 8446 section 5.1), in it a ClientHello, whose
# random is behind two headers and a version.
RECORD = b"\x16\x03"
CLIENT_HELLO = 1
TYPE_AT = 5
RANDOM_AT = 11
RANDOM_BYTES = 32

# So many bytes of keys that may be anybody's are put into each file.
MOST_SHARED_BYTES = 1 << 16

KINDS = {name: number for number, name in SECRETS.items()}


class KeptNotes:
    """Finds out which notes go with which stream, while the frames are read.

    Args:
        notes: Those of the source, which grow as it is read.
        key_log: Lines of key logs beside it.
    """

    def __init__(self, notes: Notes, key_log: bytes = b"") -> None:
        self._notes = notes
        self._known = 0
        # The lines of key logs by their client random.
        self._lines: dict[bytes, list[bytes]] = defaultdict(list)
        self._shared: list[tuple[int, bytes]] = []
        self._shared_bytes = 0
        self._randoms: dict[int, list[bytes]] = defaultdict(list)
        # How many secrets go into no file, since they are too many.
        self.left_out = 0
        self._take_log(key_log)

    def look_at(self, batch: Batch, frames: Iterable[int], ids: Iterable[int]) -> None:
        """Look for the beginnings of TLS in frames, by number and stream."""
        self._take_secrets()
        if not self._lines:
            return
        for number, stream_id in zip(frames, ids, strict=True):
            *_, frame = batch.frame(number - batch.first_number)
            data = bytes(frame)
            at = data.find(RECORD)
            while at >= 0:
                start = at + RANDOM_AT
                random = data[start : start + RANDOM_BYTES]
                if data[at + TYPE_AT : at + TYPE_AT + 1] == bytes([CLIENT_HELLO]):
                    known = self._randoms[stream_id]
                    if random in self._lines and random not in known:
                        known.append(random)
                at = data.find(RECORD, at + 1)

    def blocks(self, stream_id: int, addresses: Iterable[str]) -> bytes:
        """Return the blocks of names and keys for the file of a stream."""
        names = self._notes.names
        parts = []
        known = {one: names[one] for one in addresses if one in names}
        if known:
            parts.append(name_resolution(known))
        lines = [
            line
            for random in self._randoms.get(stream_id, ())
            for line in self._lines[random]
        ]
        if lines:
            log = b"".join(line + b"\n" for line in lines)
            parts.append(decryption_secrets(KINDS["tls"], log))
        parts += [decryption_secrets(kind, data) for kind, data in self._shared]
        return b"".join(parts)

    @property
    def comments(self) -> list[str]:
        """Those about the capture itself, each once."""
        found = self._notes.comments
        return list(
            dict.fromkeys(
                one.text for one in found if one.frame is None and one.interface is None
            )
        )

    def frame_comments(self) -> Iterable[tuple[int, str]]:
        """Give each comment on a frame, with the number of that."""
        for one in self._notes.comments:
            if one.frame is not None:
                yield one.frame, one.text

    def _take_secrets(self) -> None:
        secrets = self._notes.secrets
        for one in secrets[self._known :]:
            if one.kind == "tls":
                self._take_log(one.data)
            elif self._shared_bytes + len(one.data) <= MOST_SHARED_BYTES:
                number = KINDS.get(one.kind)
                kind = int(one.kind, 16) if number is None else number
                self._shared.append((kind, one.data))
                self._shared_bytes += len(one.data)
            else:
                self.left_out += 1
        self._known = len(secrets)

    def _take_log(self, data: bytes) -> None:
        for random, line in lines_by_random(data):
            known = self._lines[random]
            if line not in known:
                known.append(line)
