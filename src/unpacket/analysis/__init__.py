"""What is slow about a connection, and who is to blame: flags, conversations, plots."""

from unpacket.analysis.analyzer import Analyzer
from unpacket.analysis.columns import Columns
from unpacket.analysis.conversation import Conversation, Side
from unpacket.analysis.iterate import analyses
from unpacket.analysis.verdict import Verdict

__all__ = [
    "Analyzer",
    "Columns",
    "Conversation",
    "Side",
    "Verdict",
    "analyses",
]
