"""TLS as a passive observer sees it: records, and what handshakes say in the clear."""
