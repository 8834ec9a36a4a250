"""What all interoperability tests share. README.md tells how they are run."""

import pytest

from peers import openssl, sallyport
from peers.pool import Pool


@pytest.fixture(scope="session")
def echo_server():
    """A running echo_server with these options, ready to meet its next client."""
    pool = Pool(sallyport.EchoServer)
    yield pool
    pool.stop()


@pytest.fixture(scope="session")
def s_server():
    """A running openssl s_server with these options, ready to meet its next client."""
    pool = Pool(openssl.SServer)
    yield pool
    pool.stop()


@pytest.fixture(params=["TLSv1.2", "TLSv1.3"])
def version(request):
    return request.param


@pytest.fixture(params=sallyport.CLIENTS)
def program(request):
    return request.param
