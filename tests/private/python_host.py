#!/usr/bin/env python3
"""python_host.py before|after ECHO LIBRARY ZOO: in a Python that imports ssl before or after the library."""

import ctypes
import sys


def use_own(zoo):
    """A handshake of Python's own, in memory."""
    import ssl
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(f"{zoo}/server-good.pem", f"{zoo}/server-good.key")
    client = ssl.create_default_context(cafile=f"{zoo}/ca-root.pem")
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(back, there, server_hostname="localhost"),
            server.wrap_bio(there, back, server_side=True)]
    waiting = ends
    for _ in range(8):
        still = []
        for end in waiting:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                still.append(end)
        waiting = still
    assert not waiting, "a handshake of Python's own"
    ends[0].write(b"hello")
    assert ends[1].read(5) == b"hello"
    return ssl.OPENSSL_VERSION


def main():
    order, echo_path, library, zoo = sys.argv[1:]
    assert order in ("before", "after")
    if order == "before":
        use_own(zoo)
    echo = ctypes.CDLL(echo_path, mode=ctypes.RTLD_GLOBAL)
    echo.private_backend.restype = ctypes.c_char_p
    for _ in range(2):
        result = echo.private_echo(library.encode(), zoo.encode(), ctypes.RTLD_GLOBAL)
        assert result == 0, "echo of the library"
        own = use_own(zoo)
    print(f"python with {own} imported {order}, "
          f"the library with {echo.private_backend(library.encode()).decode()}")


main()
