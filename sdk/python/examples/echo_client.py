"""Sends lines to an echo server, shows a certificate with them, and prints what comes back.

    python echo_client.py client.pem client.key ca.pem [port] < lines
"""

import asyncio
import sys

import sallyport


async def main(certificate, key, ca, port="4433"):
    tls = sallyport.TlsConfig.client(credential=sallyport.Credential.load(certificate, key),
                                     trust=sallyport.TrustStore.load(ca))
    try:
        async with await sallyport.connect("localhost", port, tls=tls, confirmed=True) as stream:
            for line in sys.stdin.buffer:
                await stream.write(line)
                print((await stream.readline()).decode(), end="")
    except sallyport.Error as error:
        sys.exit(error.report())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
