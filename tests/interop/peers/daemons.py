"""Servers as they stand before services: nginx, HAProxy, stunnel, OpenSSL's and GnuTLS's tools.

Each runs in the foreground, configured in a folder of its test. The first three inherit the socket
that they serve: there is no port to guess, and a client that comes too early just waits.
"""

import contextlib
import pathlib
import socket

from . import built, openssl, process, servers

ALL = ("TLSv1.2", "TLSv1.3")
OLD_CIPHERS = "DEFAULT:@SECLEVEL=0"


class Daemon(process.Program):
    """A program that serves a socket which it inherits. `words` are made of the socket's number."""

    def __init__(self, words, variables=lambda _: {}):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.address = "127.0.0.1:%d" % listener.getsockname()[1]
            number = listener.fileno()
            super().__init__(*words(number), pass_fds=(number,), **variables(number))


def _file(folder, name, text):
    path = pathlib.Path(folder) / name
    path.write_text(text)
    return path


def nginx(folder, entry, ca=None, versions=ALL, tls=True, verify="on"):
    ssl = ""
    if tls:
        ssl = f"""
    ssl_certificate {entry.chain};
    ssl_certificate_key {entry.key};
    ssl_protocols {" ".join(versions)};
    ssl_ciphers {OLD_CIPHERS};"""
    if tls and ca:
        ssl += f"""
    ssl_client_certificate {ca};
    ssl_verify_depth 4;
    ssl_verify_client {verify};"""
    program = built.tool("nginx", "nginx-light")

    def words(number):
        with socket.socket(fileno=number) as listener:
            address = "%s:%d" % listener.getsockname()
            listener.detach()
        temporary = "".join(
            f"  {kind}_temp_path {folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        config = f"""
daemon off;
worker_processes 1;
user root root;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 64; }}
http {{
  access_log off;
{temporary}  server {{
    listen {address}{" ssl" if tls else ""};
    server_name localhost;{ssl}
    location / {{ return 200 "hello\\n"; }}
    location /private {{ return 403; }}
  }}
}}
"""
        path = _file(folder, "nginx.conf", config)
        return [program, "-p", folder, "-e", "stderr", "-c", path]

    # How nginx hands its sockets to its successor.
    return Daemon(words, lambda number: {"NGINX": f"{number};"})


def haproxy(folder, entry, ca=None, versions=ALL, tls=True):
    both = _file(folder, "haproxy.pem", entry.chain.read_text() + "\n" + entry.key.read_text())
    ssl = ""
    if tls:
        ssl = f" ssl crt {both} ssl-min-ver {versions[0]} ssl-max-ver {versions[-1]}"
        ssl += f" ciphers {OLD_CIPHERS}"
    if tls and ca:
        ssl += f" ca-file {ca} verify required"
    program = built.tool("haproxy", "haproxy")

    def words(number):
        config = f"""
global
  log stderr format raw daemon warning
defaults
  mode http
  timeout client 10s
  timeout connect 10s
  timeout server 10s
frontend front
  bind fd@{number}{ssl}
  http-request return status 200 content-type text/plain string "hello"
"""
        return [program, "-db", "-f", _file(folder, "haproxy.cfg", config)]

    return Daemon(words)


def _stunnel(folder, name, service):
    program = built.tool("stunnel4", "stunnel4")
    text = f"foreground = yes\npid =\nsyslog = no\ndebug = warning\n[{name}]\n{service}"
    path = _file(folder, f"{name}.conf", text)

    # Sockets come as from systemd: from number 3 on, for the process of this id.
    def words(number):
        script = f"[ {number} = 3 ] || exec 3<&{number} {number}<&-; "
        script += 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$1"'
        return ["bash", "-c", script, program, path]

    return Daemon(words)


def stunnel(folder, entry, ca=None, versions=ALL, tls=True):
    service = f"""accept = 0
exec = /bin/cat
execArgs = cat
cert = {entry.chain}
key = {entry.key}
sslVersionMin = {versions[0]}
sslVersionMax = {versions[-1]}
ciphers = {OLD_CIPHERS}
"""
    if ca:
        service += f"CAfile = {ca}\nverifyChain = yes\nrequireCert = yes\n"
    return _stunnel(folder, "server", service)


def stunnel_client(folder, secured):
    """The side of a tunnel that applications talk to in plain; the other one is `secured`."""
    return _stunnel(folder, "client", f"client = yes\naccept = 0\nconnect = {secured}\n")


def openssl_server(folder, entry, ca=None, versions=ALL, tls=True):
    version = versions[0] if len(versions) == 1 else None
    return openssl.SServer(
        version,
        cert=entry.chain,
        key=entry.key,
        ca=ca,
        verify="require" if ca else None,
        weak=version == "TLSv1.1",
    )


def gnutls_server(folder, entry, ca=None, versions=ALL, tls=True):
    words = ["--port", 0, "--echo", "--x509certfile", entry.chain, "--x509keyfile", entry.key]
    if ca:
        words += ["--require-client-cert", "--verify-client-cert", "--x509cafile", ca]
    enabled = "".join(f":+VERS-{version.replace('v', '')}" for version in versions)
    words += ["--priority", f"NORMAL:-VERS-ALL{enabled}"]
    program = built.tool("gnutls-serv", "gnutls-bin")
    return servers.Server(program, *words, LD_PRELOAD=str(built.loopback()))


START = {
    "nginx": nginx,
    "HAProxy": haproxy,
    "stunnel": stunnel,
    "openssl s_server": openssl_server,
    "gnutls-serv": gnutls_server,
}
