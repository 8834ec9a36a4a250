#!/usr/bin/env python3
"""Lays out certificates that an intermediate CA issued under the names that the servers look for."""

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
