"""What was sent and not acknowledged, against the bytes themselves."""

from hypothesis import given
from hypothesis import strategies as st

from unpacket.inline.store import JOINED_BYTES, Store

# Small ones are joined, and large ones are not.
CHUNKS = st.one_of(
    st.binary(max_size=9), st.integers(1, 3 * JOINED_BYTES).map(lambda n: bytes(n))
)


@given(st.lists(st.tuples(CHUNKS, st.floats(0, 1), st.floats(0, 1)), max_size=40))
def test_agrees_with_the_bytes(steps: list[tuple[bytes, float, float]]) -> None:
    store, model = Store(), b""
    for chunk, acknowledged, read in steps:
        store.append(chunk)
        model += chunk
        assert store.stop == len(model)
        start = store.start + int((store.stop - store.start) * acknowledged)
        stop = start + int((store.stop - start) * read)
        assert store.read(start, stop) == model[start:stop]
        store.forget(start)
        assert store.start == start
        assert store.read(start, store.stop) == model[start:]


def test_many_small_chunks_are_joined_and_forgotten() -> None:
    store, model = Store(), bytearray()
    for number in range(20_000):
        store.append(b"%05d" % number)
        model += b"%05d" % number
        if number % 7 == 0:
            start = max(store.start, store.stop - 9000)
            store.forget(start)
            assert store.read(start, store.stop) == model[start:]
