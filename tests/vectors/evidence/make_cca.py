#!/usr/bin/env python3
"""Prints cca.json: Arm CCA tokens of throw-away machines, for each verdict that they can get.  From Arm's format alone."""

import base64
import sys

sys.dont_write_bytecode = True
from pki import *  # noqa: E402, F403


def jwk(key, **change):
    text = lambda v: base64.urlsafe_b64encode(v.to_bytes(48, "big")).decode().rstrip("=")  # noqa: E731
    return json.dumps({"kty": "EC", "crv": "P-384", "x": text(key.q[0]), "y": text(key.q[1]), **change}).encode()


def point(key):
    return key.q[0].to_bytes(48, "big") + key.q[1].to_bytes(48, "big")


def cose_key(key):
    return cbor({1: 2, -1: 2, -2: point(key)[:48], -3: point(key)[48:]})


def sign1(key, payload, protected=None, signed=None, unprotected=None, tag=b"\xd2", flip=None):
    protected = cbor({1: -35}) if protected is None else protected
    r, s = key.rs(cbor(["Signature1", protected if signed is None else signed, b"", payload]))
    sig = bytearray(r.to_bytes(48, "big") + s.to_bytes(48, "big"))
    if flip is not None:
        sig[flip] ^= 1
    return tag + cbor([protected, unprotected or {}, payload, bytes(sig)])


def cca():
    book = Book()
    machine, realm, stranger = P384("cpak"), P384("rak"), P384("cca stranger")
    components = [{1: "BL", 2: draw("bl", 32), 4: "1.0", 5: draw("signer", 32), 6: "sha-256"}, {5: draw("signer", 32), 2: draw("monitor", 32)}]
    platform = {265: "http://arm.com/CCA-SSD/1.0.0", 10: b"", 2396: draw("implementation", 32), 256: b"\x01" + draw("instance", 32),
                2401: b"config", 2395: 0x3003, 2399: components, 2400: "https://verifier.example", 2402: "sha-256"}
    realm_claims = {10: draw("challenge", 32) + bytes(32), 44235: draw("person", 64), 44236: "sha-512", 44237: cose_key(realm),
                    44238: draw("rim", 64), 44239: [bytes(64)] * 4, 44240: "sha-256"}

    def token(rak=None, tag=399, key=machine, realm_key=realm, platform_change=None, realm_change=None, platform_how=None, realm_how=None,
              nonce=None, keys=(44234, 44241), endless_maps=False, after=b""):
        r = {**realm_claims, **(realm_change or {})}
        if rak is not None:
            r[44237] = rak
        hashed = hashlib.new(r[44240].replace("-", "") if r.get(44240) in ("sha-256", "sha-384", "sha-512") else "sha256",
                             r[44237] if isinstance(r[44237], bytes) else b"").digest()
        p = {**platform, 10: hashed if nonce is None else nonce, **(platform_change or {})}
        wrap = (lambda d: cbor(endless(d.items()))) if endless_maps else cbor
        r, p = ({k: v for k, v in d.items() if v != "absent"} for d in (r, p))
        return head(6, tag) + cbor({keys[0]: sign1(key, wrap(p), **(platform_how or {})),
                                    keys[1]: sign1(realm_key, wrap(r), **(realm_how or {}))}) + after

    def case(what, verdict, item, tok, cpak=jwk(machine), **rest):
        book.case(what, verdict, item, {"token": tok, "cpak": cpak}, [], **rest)

    good = token()
    case("as it should be", "ok", "", good)
    case("a key as a bare point", "ok", "", token(rak=b"\x04" + point(realm)))
    case("the tag of later drafts", "ok", "", token(tag=907))
    case("maps without length", "ok", "", token(endless_maps=True))
    for h in ("sha-384", "sha-512"):
        case(f"the key hashed with {h}", "ok", "", token(realm_change={44240: h}))
    case("a lifecycle that is not secured is reported, not judged", "ok", "", token(platform_change={2395: 0x1000}))
    case("the optional claim left out", "ok", "", token(platform_change={2400: "absent"}))
    case("no profile", "malformed", "token.platform", token(platform_change={265: "absent"}))
    case("its challenge, zero-padded", "ok", "", good, nonce=draw("challenge", 32))
    case("another challenge", "nonce", "token.realm", good, nonce=draw("challenge", 31))
    case("a challenge of 65 bytes", "nonce", "token.realm", good, nonce=draw("challenge", 32) + bytes(33))

    case("no key of the machine", "collateral-missing", "cpak", good, cpak=None)
    case("a key that is no JSON", "malformed", "json", good, cpak=b"{")
    case("a key of another kind", "malformed", "cpak", good, cpak=jwk(machine, kty="RSA"))
    case("a key of another curve", "malformed", "cpak", good, cpak=jwk(machine, crv="P-521"))
    case("a coordinate cut short", "malformed", "cpak", good, cpak=jwk(machine, x="AQ"))
    case("a point off the curve", "signature", "token.platform", good, cpak=jwk(machine, x="A" * 64))
    case("another machine's key", "signature", "token.platform", good, cpak=jwk(stranger))

    case("a byte behind it", "malformed", "token", token(after=b"\0"))
    case("another tag", "unsupported", "token", token(tag=400))
    case("two platform tokens", "malformed", "token", token(keys=(44234, 44234)))
    case("another member", "malformed", "token", token(keys=(44234, 44242)))
    for who, how in (("platform", "platform_how"), ("realm", "realm_how")):
        item = f"token.{who}"
        case(f"{who}: no tag", "malformed", item, token(**{how: {"tag": b""}}))
        case(f"{who}: something unsigned", "malformed", item, token(**{how: {"unprotected": {4: b"k"}}}))
        case(f"{who}: ES512", "unsupported", item, token(**{how: {"protected": cbor({1: -36})}}))
        case(f"{who}: ES256 of a P-384 key", "signature", item, token(**{how: {"protected": cbor({1: -7})}}))
        case(f"{who}: a bit of the signature", "signature", item, token(**{how: {"flip": 0}}))
        case(f"{who}: over another header", "signature", item, token(**{how: {"signed": cbor({1: -7})}}))
        change = f"{who}_change"
        case(f"{who}: a claim that nobody knows", "unsupported", item, token(**{change: {77: 1}}))
        for claim in (platform if who == "platform" else realm_claims):
            if claim not in (265, 2400) and not (who == "realm" and claim == 44237):
                case(f"{who}: no claim {claim}", "malformed", item, token(**{change: {claim: "absent"}}))
            if not (who == "realm" and claim in (44237, 44240)):
                case(f"{who}: claim {claim} is null", "malformed", item, token(**{change: {claim: None}}))
    for what, change in (("a lifecycle of 17 bits", {2395: 0x10000}), ("an instance of 32 bytes", {256: b"\x01" + bytes(31)}),
                         ("an instance of another kind", {256: b"\x02" + bytes(32)}), ("an implementation of 33 bytes", {2396: bytes(33)}),
                         ("33 components", {2399: components[:1] * 33}), ("a component without a measurement", {2399: [{5: b"s"}]}),
                         ("a component's member twice", {2399: [endless([(2, b""), (5, b""), (2, b"")])]}),
                         ("a component's member unknown", {2399: [{2: b"", 5: b"", 7: b""}]}), ("a component that is no map", {2399: [1]}),
                         ("a nonce of 31 bytes", {10: bytes(31)})):
        case(what, "malformed", "token.platform", token(platform_change=change))
    for what, change in (("a challenge of 63 bytes", {10: bytes(63)}), ("a RIM of 20 bytes", {44238: bytes(20)}), ("three REMs", {44239: [bytes(32)] * 3}),
                         ("a key that is no point", {44237: b"\x04"}), ("a compressed key", {44237: b"\x02" + bytes(48)}),
                         ("a key without y", {44237: cbor({1: 2, -1: 2, -2: bytes(48)})})):
        case(what, "malformed", "token.realm", token(realm_change=change))
    case("a claim twice", "malformed", "token.platform",
         head(6, 399) + cbor({44234: sign1(machine, cbor(endless(list({**platform, 10: bytes(32)}.items()) + [(2395, 0)]))),
                              44241: sign1(realm, cbor(realm_claims))}))
    case("a key of P-521", "unsupported", "token.realm", token(rak=cbor({1: 2, -1: 3, -2: bytes(66), -3: bytes(66)})))
    case("a symmetric key", "unsupported", "token.realm", token(rak=cbor({1: 4, -1: b"k"})))
    case("the key hashed with SHA-1", "unsupported", "token.realm", token(realm_change={44240: "sha-1"}))
    case("another realm's key is vouched for", "binding", "token.platform", token(nonce=hashlib.sha256(cose_key(stranger)).digest()))
    case("the key hashed in another form", "binding", "token.platform", token(nonce=hashlib.sha256(b"\x04" + point(realm)).digest()))
    case("a realm signed by another key", "signature", "token.realm", token(realm_key=stranger))
    book.print()


cca()
