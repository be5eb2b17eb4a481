"""Texts of strangers as text for a terminal: what would steer it is taken out. Pure.

Descriptions, names, logs and README files come from whoever may push to the registry. A terminal obeys
escape sequences in what is printed: they move the cursor, change titles, hide what stands before.
"""

from __future__ import annotations

import re

# ECMA-48 section 5.4 (CSI), 8.3 (OSC, DCS, APC, PM, SOS up to their end): whole, so that no remains are left.
_SEQUENCES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]")
# C0 but tab and line feed, DEL, C1, lone surrogates, and what makes text read in another order than it is.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")


def plain(text: str) -> str:
    """The text without what would steer a terminal; its lines and tabs stay."""
    return _CONTROLS.sub("", _SEQUENCES.sub("", _BREAKS.sub("\n", text)))


def one_line(text: str) -> str:
    """As `plain`, on one line."""
    return plain(text).replace("\n", " ").replace("\t", " ")
