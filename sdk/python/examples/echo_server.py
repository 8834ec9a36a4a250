"""An echo server that lets in only clients of its CA, and says whom it refused, and why.

    python echo_server.py server.pem server.key ca.pem [port]
"""

import asyncio
import sys

import sallyport


async def echo(stream):
    info = stream.info
    print("client", info.peer_certificate.subject, "from", info.peer_address, info.version_name, flush=True)
    async for line in stream:
        await stream.write(line)


def refused(peer, why):
    print("refused", peer, why, flush=True)


async def main(certificate, key, ca, port="4433"):
    tls = sallyport.TlsConfig.server(credential=sallyport.Credential.load(certificate, key),
                                     trust=sallyport.TrustStore.load(ca), client_auth=sallyport.ClientAuth.REQUIRE)
    async with await sallyport.start_server(echo, "localhost", port, tls=tls, on_refused=refused) as server:
        print("listening on", server.address, flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        pass
