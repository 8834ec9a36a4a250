#!/usr/bin/env python3
"""Lays out certificates under the names that the programs look for: `chain`, issued by an intermediate CA, and
`stranger`, with which a client trusts another CA than the server's."""

import shutil

from processes import CERTIFICATES

NAMES = {
    "server.pem": "server-good.pem",
    "server.key": "server-good.key",
    "client.pem": "client-good.pem",
    "client.key": "client-good.key",
    "ca.pem": "ca-root.pem",
}

folder = CERTIFICATES / "chain"
folder.mkdir(exist_ok=True)
for name, original in NAMES.items():
    shutil.copy(CERTIFICATES / "zoo" / original, folder / name)

folder = CERTIFICATES / "stranger"
folder.mkdir(exist_ok=True)
for name in ("client.pem", "client.key"):
    shutil.copy(CERTIFICATES / "dev" / name, folder / name)
shutil.copy(CERTIFICATES / "dev" / "other-ca.pem", folder / "ca.pem")
