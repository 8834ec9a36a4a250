"""IPv6 on loopback, which machines may lack, containers most of all."""

import socket

import pytest


def is_here():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needed = pytest.mark.skipif(not is_here(), reason="this machine has no ::1")
HOSTS = ["127.0.0.1", pytest.param("::1", marks=needed)]
