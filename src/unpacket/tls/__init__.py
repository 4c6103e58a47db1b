"""TLS as a passive observer sees it, and what it carries for those who have the keys.

``handshake`` reads what is said in the clear; ``decryption`` turns the events of TLS
streams into events of what they carry. Nothing in here does I/O but ``key_log``, which
reads the files that it is given.
"""
