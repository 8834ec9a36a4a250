"""What a server and a client get wrong alike. A script changes a puppet before it speaks."""

from peers import zoo
from puppets.puppet import (
    ALERT,
    APPLICATION_DATA,
    CERTIFICATE,
    CHANGE_CIPHER_SPEC,
    CLIENT_HELLO,
    CLIENT_KEY_EXCHANGE,
    ECDSA_SHA1,
    ENCRYPTED_EXTENSIONS,
    END_OF_EARLY_DATA,
    FATAL,
    HANDSHAKE,
    HEARTBEAT,
    HELLO_REQUEST,
    KEY_UPDATE,
    RSA_PKCS1_SHA256,
    SERVER_HELLO,
    SERVER_HELLO_DONE,
    WARNING,
    Silent,
    flip,
    message,
    sized,
    words,
)

import deep_chain

SCRIPTS = {}
LAST_PLAIN, LAST_PROTECTED = 2**14, {True: 2**14 + 256, False: 2**14 + 2048}  # bytes of a record


def script_of(registry):
    """Registers a script; `needs` is what the Sallyport side is to be configured with."""

    def with_needs(**needs):
        def add(function):
            registry[function.__name__.replace("_", "-")] = function, needs
            return function

        return add

    return with_needs


script = script_of(SCRIPTS)


def instead(do):
    """An edit that does something in the message's place, and says no more."""

    def edit(puppet, _):
        do(puppet)
        raise Silent

    return edit


def as_it_is(_, data):
    return data


def replacing(kind, *given):
    """A change of a hello: these extensions in the place of those of that kind."""

    def change(fields):
        fields["extensions"] = [each for each in fields["extensions"] if each[0] != kind]
        fields["extensions"] += given

    return change


def saying(**given):
    """A change of a hello: these fields."""
    return lambda fields: fields.update(given)


def says(data):
    """Not TLS: these bytes, once connected."""

    def talk(puppet):
        puppet.raw(data)
        raise Silent

    return talk


# --- not TLS


@script()
def ssh_banner(puppet):
    puppet.instead = says(b"SSH-2.0-OpenSSH_9.2\r\n")


@script()
def noise(puppet):
    puppet.instead = says(bytes(64))


@script(timeout=300)
def silence(puppet):
    puppet.instead = says(b"")


# --- records


@script()
def record_too_long(puppet):
    long = bytes([HANDSHAKE]) + words(0x0303, LAST_PLAIN + 1) + bytes(LAST_PLAIN + 1)
    puppet.edits["ServerHello" if puppet.server else "ClientHello"] = instead(lambda p: p.raw(long))


@script()
def protected_record_too_long(puppet):
    size = LAST_PROTECTED[puppet.tls13] + 1
    long = bytes([APPLICATION_DATA if puppet.tls13 else HANDSHAKE]) + words(0x0303, size)
    puppet.edits[puppet.spot if puppet.tls13 else "Finished"] = instead(
        lambda p: p.raw(long + bytes(size))
    )


@script()
def bad_record_mac(puppet):
    def change(puppet, data):
        puppet.raw(flip(puppet.writing.seal(HANDSHAKE, data)))
        raise Silent

    puppet.edits[puppet.spot if puppet.tls13 else "Finished"] = change


@script()
def record_of_zeros(puppet):
    puppet.edits[puppet.spot] = instead(lambda p: p.raw(p.writing.seal(0, bytes(16))))


@script()
def heartbeat(puppet):
    beat = b"\1" + sized(2, b"are you there?") + bytes(16)
    puppet.edits[puppet.spot] = instead(lambda p: p.record(HEARTBEAT, beat))


@script()
def unknown_record_type(puppet):
    puppet.edits[puppet.spot] = instead(lambda p: p.record(99, bytes(16)))


@script()
def early_application_data(puppet):
    puppet.edits[puppet.spot] = instead(lambda p: p.record(APPLICATION_DATA, b"too early\n"))


@script()
def change_cipher_spec_of_another_value(puppet):
    if puppet.tls13:
        puppet.edits[puppet.spot] = instead(
            lambda p: p.record(CHANGE_CIPHER_SPEC, b"\2", protect=False)
        )
    else:
        puppet.change_cipher_spec = b"\2"


@script()
def change_cipher_spec_early(puppet):
    puppet.edits[puppet.spot] = instead(lambda p: p.record(CHANGE_CIPHER_SPEC, b"\1"))


@script()
def truncated_record(puppet):
    def cut(puppet):
        puppet.raw(bytes([APPLICATION_DATA]) + words(0x0303, 200) + bytes(100))
        puppet.hang_up()

    puppet.edits[puppet.spot] = instead(cut)


@script()
def hangs_up(puppet):
    puppet.edits[puppet.spot] = instead(lambda p: p.hang_up())


@script()
def resets(puppet):
    puppet.edits[puppet.spot] = instead(lambda p: p.reset())


# --- alerts


@script()
def alert(puppet):
    puppet.edits[puppet.spot] = instead(lambda p: p.alert(p.argument))


@script()
def alert_of_no_name(puppet):
    puppet.edits[puppet.spot] = instead(lambda p: p.alert(200))


@script()
def alert_as_a_warning(puppet):
    puppet.edits[puppet.spot] = instead(lambda p: p.alert(40, WARNING))


@script()
def alert_of_one_byte(puppet):
    puppet.edits[puppet.spot] = instead(lambda p: p.record(ALERT, bytes([FATAL])))


@script()
def close_notify(puppet):
    puppet.edits[puppet.spot] = instead(lambda p: p.alert(0, WARNING))


def cancel(puppet):
    puppet.alert(90, WARNING)
    puppet.alert(0, WARNING)


@script()
def user_canceled(puppet):
    puppet.edits[puppet.spot] = instead(cancel)


# --- hellos


@script()
def hello_of_rubbish(puppet):
    kind = SERVER_HELLO if puppet.server else CLIENT_HELLO
    puppet.edits["ServerHello" if puppet.server else "ClientHello"] = lambda _, __: message(
        kind, words(0x0303) + bytes(range(32)) + b"\xff" * 3
    )


@script()
def hello_with_more_behind(puppet):
    puppet.hello = saying(rest=b"\0")


@script()
def duplicate_extension(puppet):
    def twice(fields):
        fields["extensions"] = [fields["extensions"][0], *fields["extensions"]]

    puppet.hello = twice


@script()
def key_share_of_zeros(puppet):
    puppet.public = bytes(32)
    _stop_behind_the_share(puppet)


@script()
def key_share_too_short(puppet):
    puppet.public = b"\x09" * 31
    _stop_behind_the_share(puppet)


def _stop_behind_the_share(puppet):
    if puppet.tls13:
        puppet.edits["ServerHello" if puppet.server else "ClientHello"] = as_it_is
    else:
        puppet.edits["ServerHelloDone" if puppet.server else "ClientKeyExchange"] = as_it_is


@script()
def second_hello(puppet):
    puppet.edits[puppet.spot] = lambda p, _: p.hello_message(*([[]] if p.server else []))


# --- messages


@script()
def message_of_the_other_side(puppet):
    if puppet.server:
        kind = END_OF_EARLY_DATA if puppet.tls13 else CLIENT_KEY_EXCHANGE
    else:
        kind = ENCRYPTED_EXTENSIONS if puppet.tls13 else SERVER_HELLO_DONE
    puppet.edits[puppet.spot] = lambda _, __: message(kind, b"")


@script()
def key_update_early(puppet):
    puppet.edits[puppet.spot] = lambda _, __: message(KEY_UPDATE, b"\0")


# --- certificates and proofs


@script(auth="require")
def no_certificate(puppet):
    puppet.chain = []
    puppet.client_certificate = True
    puppet.edits["Certificate"] = as_it_is


@script(auth="require")
def certificate_of_rubbish(puppet):
    puppet.chain = [b"not a certificate"] * 2
    puppet.client_certificate = True
    puppet.edits["Certificate"] = as_it_is


@script(auth="require")
def certificate_list_cut(puppet):
    puppet.client_certificate = True
    puppet.edits["Certificate"] = lambda _, data: message(CERTIFICATE, data[4:-1])


@script(auth="require")
def certificates_too_many(puppet):
    puppet.chain, puppet.key = deep_chain.make("server" if puppet.server else "client")
    puppet.client_certificate = True


@script(auth="require")
def certificates_too_large(puppet):
    puppet.chain = [*puppet.chain, bytes(100_000), bytes(100_000)]
    puppet.client_certificate = True
    puppet.edits["Certificate"] = as_it_is


@script(auth="require")
def proof_wrong(puppet):
    puppet.client_certificate = True
    puppet.edits[puppet.proof] = lambda _, data: flip(data)


@script(auth="require")
def proof_with_another_key(puppet):
    other = zoo.entry("server-other" if puppet.server else "client-other")
    puppet.key = deep_chain.private_key(other.key)
    puppet.client_certificate = True
    puppet.edits[puppet.proof] = as_it_is


@script(auth="require")
def proof_of_a_scheme_not_offered(puppet):
    puppet.scheme = ECDSA_SHA1
    puppet.client_certificate = True
    puppet.edits[puppet.proof] = as_it_is


@script(auth="require")
def proof_of_pkcs1(puppet):
    entry = zoo.good("server" if puppet.server else "client", "rsa")
    puppet.chain, puppet.key = zoo.chain_der(entry.chain), deep_chain.private_key(entry.key)
    puppet.scheme = RSA_PKCS1_SHA256
    puppet.client_certificate = True
    puppet.edits[puppet.proof] = as_it_is


@script()
def finished_wrong(puppet):
    puppet.edits["Finished"] = lambda _, data: flip(data)


@script()
def finished_too_short(puppet):
    puppet.edits["Finished"] = lambda _, data: message(data[0], data[4:-1])


# --- when the handshake is over


@script()
def renegotiation(puppet):
    def ask(puppet):
        again = message(HELLO_REQUEST, b"") if puppet.server else puppet.hello_message()
        puppet.record(HANDSHAKE, again)
        if not puppet.tls13:
            while puppet.receive() != ALERT:
                pass
            puppet.alert(40)

    puppet.after = ask


@script()
def key_update_of_no_kind(puppet):
    puppet.after = lambda p: p.record(HANDSHAKE, message(KEY_UPDATE, b"\2"))


@script()
def cut_off(puppet):
    puppet.after = lambda p: p.hang_up()
