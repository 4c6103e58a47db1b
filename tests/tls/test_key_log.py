"""Key logs: what a line may be, and files that grow."""

from pathlib import Path

import pytest

import unpacket
from unpacket.tls.key_log import KeyLog, key_log

RANDOM = "ab" * 32
SECRET = "cd" * 48


def of(text: str) -> KeyLog:
    log = KeyLog()
    log.add(text.encode())
    return log


def test_lines_have_label_random_and_secret() -> None:
    log = of(f"# made by a test\r\n\r\nCLIENT_RANDOM {RANDOM} {SECRET}\r\n")
    assert log.of(bytes.fromhex(RANDOM)) == {"CLIENT_RANDOM": bytes.fromhex(SECRET)}


def test_older_labels_are_known() -> None:
    log = of(
        f"RSA {'12' * 8} {SECRET}\nRSA Session-ID:{'34' * 32} Master-Key:{SECRET}\n"
    )
    assert log.premasters == {bytes.fromhex("12" * 8): bytes.fromhex(SECRET)}
    assert log.sessions == {bytes.fromhex("34" * 32): bytes.fromhex(SECRET)}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "CLIENT_RANDOM",
        f"CLIENT_RANDOM {RANDOM}",
        f"CLIENT_RANDOM {RANDOM[:-2]} {SECRET}",
        f"CLIENT_RANDOM {RANDOM} {SECRET[:-2]}",
        f"CLIENT_RANDOM {RANDOM} {SECRET[:-1]}g",
        f"CLIENT_RANDOM {RANDOM} zz",
        f"SOMETHING {RANDOM} {SECRET}",
        f"#CLIENT_RANDOM {RANDOM} {SECRET}",
        "RSA x y",
        "\x00\xff\n\x00",
    ],
)
def test_other_lines_are_passed_over(line: str) -> None:
    log = of(line)
    assert not (log.randoms or log.premasters or log.sessions)
    assert log.version == 0


def test_every_cut_of_a_file_that_grows_gives_the_same(tmp_path: Path) -> None:
    path = tmp_path / "keys.log"
    text = f"CLIENT_RANDOM {RANDOM} {SECRET}\nSERVER_TRAFFIC_SECRET_0 {RANDOM} {SECRET}"
    for cut in range(0, len(text), 3):
        path.write_text(text[:cut])
        log = key_log(path)
        with path.open("a") as file:
            file.write(text[cut:])
        log.poll()
        log.poll()
        assert log.of(bytes.fromhex(RANDOM)) == {
            "CLIENT_RANDOM": bytes.fromhex(SECRET),
            "SERVER_TRAFFIC_SECRET_0": bytes.fromhex(SECRET),
        }


def test_a_file_that_is_written_anew_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "keys.log"
    path.write_text(f"CLIENT_RANDOM {RANDOM} {SECRET}\n" * 3)
    log = key_log([path])
    path.write_text(f"CLIENT_RANDOM {'ef' * 32} {SECRET}\n")
    log.poll()
    assert len(log.randoms) == 2


@pytest.mark.parametrize("keys", [b"keys.log", 3, [3]])
def test_keys_of_another_kind_are_refused(keys: object) -> None:
    with pytest.raises((TypeError, unpacket.SourceError)):
        key_log(keys)  # type: ignore[arg-type]


def test_a_directory_is_no_key_log(tmp_path: Path) -> None:
    with pytest.raises(unpacket.SourceError, match="is a directory"):
        key_log(tmp_path)
