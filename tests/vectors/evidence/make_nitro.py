#!/usr/bin/env python3
"""Prints nitro.json: Nitro documents under throw-away roots, for each verdict that they can get.  From the NSM's format alone."""

import sys

sys.dont_write_bytecode = True
from pki import *  # noqa: E402, F403

rsa = Rsa(int(
    "d91aaa3d8af01829138eb65f780ba05da356004a6249b90142e27e480a10eaf18498f2a32d113de8be79fe0dd7994b79bcfdb2bc08c3f684e655b414"
    "fcc2e5851ff8fa6a5fc176c1330cd6ab6b3067426bfb937a436dad98b426ee35f95cf319931e1a7f555a275873bcda20c3836294964849d1af662c4c"
    "3d208efc52d05973", 16), int(
    "fe90c8df0ed52f8d09503416854677adb0c914dc2e9ed7104c8dc252d4e98a9ae15bfe975551137eed576555cd6a984867a3bdc7e03d551a9a1fd7f8"
    "16d24258cf82323dac65e1eecad60f88682bede83304bda01dead5151b9be8561283c63442d5103f7caa1be893450dd8d538b86aedee088cb73ae648"
    "78b6848afa4e3bad", 16))


def nitro():
    book = Book()
    keys = {n: P384("nitro " + n) for n in ("root", "zone", "instance", "leaf", "stranger")}
    authority = usage(0x86, 1)
    root = cert(keys["root"], "root", keys["root"], "root", [authority, basic(True)], end=T + 3000 * DAY)
    zone = cert(keys["zone"], "zone", keys["root"], "root", [authority, basic(True, 1)], end=T + 6 * DAY)
    instance = cert(keys["instance"], "instance", keys["zone"], "zone", [CERT_SIGN, basic(True, 0)], end=T + DAY)
    leaf_exts = [SIGN, basic(False)]
    leaf = cert(keys["leaf"], "leaf", keys["instance"], "instance", leaf_exts, T - 60, T + 10800)
    header = cbor({1: -35})
    pcrs = {i: draw(f"pcr {i}", 48) if i in (0, 1, 2, 3, 4, 8) else bytes(48) for i in range(16)}
    fields = {"module_id": "i-0123456789abcdef0-enc0123", "digest": "SHA384", "timestamp": T * 1000, "pcrs": pcrs, "certificate": leaf,
              "cabundle": [root, zone, instance], "public_key": None, "user_data": b"data", "nonce": draw("nonce", 32)}

    def document(payload=None, key=keys["leaf"], protected=header, signed=header, unprotected=None, tag=b"", after=b"", flip=None, **change):
        payload = payload if payload is not None else cbor({k: v for k, v in {**fields, **change}.items() if v != "absent"})
        r, s = key.rs(cbor(["Signature1", signed, b"", payload]))
        sig = bytearray(r.to_bytes(48, "big") + s.to_bytes(48, "big"))
        if flip is not None:
            sig[flip] ^= 1
        return tag + cbor([protected, unprotected or {}, payload, bytes(sig)]) + after

    def case(what, verdict, item, doc, roots=(root,), **rest):
        book.case(what, verdict, item, {"document": doc}, roots, **rest)

    def chain(what, verdict, item, bundle, leaf=leaf, **rest):
        case(what, verdict, item, document(cabundle=bundle, certificate=leaf), **rest)

    good = document()
    case("as it should be", "ok", "", good)
    case("tagged 18", "ok", "", document(tag=b"\xd2"))
    case("a payload without length", "ok", "", document(cbor(endless(fields.items()))))
    case("PCRs without length", "ok", "", document(pcrs=endless(pcrs.items())))
    case("members in another order", "ok", "", document(cbor(dict(reversed(fields.items())))))
    case("no optional member", "ok", "", document(public_key="absent", user_data="absent", nonce="absent"))
    case("1,024 bytes of each", "ok", "", document(public_key=bytes(1024), user_data=bytes(1024), nonce=bytes(1024)))
    case("debug is reported, not judged", "ok", "", document(pcrs={**pcrs, 0: bytes(48), 1: bytes(48), 2: bytes(48)}))
    case("the nonce", "ok", "", good, nonce=draw("nonce", 32))
    case("the leaf's last second", "ok", "", good, at=T + 10800)
    case("the leaf's first second", "ok", "", good, at=T - 60)
    chain("seven authorities", "chain", "cabundle[5]", [root, zone, instance, instance, instance, instance, instance])

    # the form
    case("a byte behind it", "malformed", "document", document(after=b"\0"))
    case("another tag", "malformed", "document", document(tag=b"\xd1"))
    case("two tags", "malformed", "document", document(tag=b"\xd2\xd2"))
    case("something unsigned", "malformed", "document", document(unprotected={1: -35}))
    case("ES256", "unsupported", "document", document(protected=cbor({1: -7}), signed=cbor({1: -7})))
    case("a second header", "unsupported", "document", document(protected=cbor({1: -35, 4: b"k"}), signed=cbor({1: -35, 4: b"k"})))
    case("no header", "unsupported", "document", document(protected=b"", signed=b""))
    case("over 16 KiB", "malformed", "document", document(after=bytes(16384)))
    payload = cbor(fields)
    for what, p in (("a payload without its break", cbor(endless(fields.items()))[:-1]), ("a byte in the payload behind the map", payload + b"\0"),
                    ("a payload that is an array", cbor([1])), ("an empty payload", b""), ("an empty map", cbor({})),
                    ("a key that is a number", cbor({0: 1, **fields})),
                    ("a member twice", cbor(endless(list(fields.items()) + [("nonce", b"")]))),
                    ("a length longer than needed", b"\xb8\x09" + payload[1:])):
        case(what, "malformed", "document.payload", document(p))
    case("a member that nobody knows", "unsupported", "document.payload", document(more=1))
    for k in ("module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"):
        case(f"no {k}", "malformed", "document.payload", document(**{k: "absent"}))
        case(f"{k} is null", "malformed", "document.payload", document(**{k: None}))
    for what, change in (("no name", {"module_id": ""}), ("at no time", {"timestamp": 0}), ("before 1970", {"timestamp": -1}),
                         ("no PCR", {"pcrs": {}}), ("PCR 32", {"pcrs": {**pcrs, 32: bytes(48)}}), ("a PCR of 47 bytes", {"pcrs": {**pcrs, 0: bytes(47)}}),
                         ("a PCR twice", {"pcrs": endless([(0, bytes(48)), (0, bytes(48))])}), ("PCRs without their break", {"pcrs": Raw(b"\xbf\x00")}),
                         ("an empty certificate", {"certificate": b""}), ("a certificate of 1,025 bytes", {"certificate": bytes(1025)}),
                         ("an empty bundle", {"cabundle": []}), ("eight authorities", {"cabundle": [root] * 8}),
                         ("1,025 bytes of user data", {"user_data": bytes(1025)}), ("a nonce that is text", {"nonce": "text"}),
                         ("a string without length", {"nonce": Raw(b"\x5f\x41\x00\xff")}), ("a module without length", {"module_id": Raw(b"\x7f\x61a\xff")}),
                         ("a bundle without length", {"cabundle": Raw(b"\x9f" + cbor(root) + b"\xff")})):
        case(what, "malformed", "document.payload", document(**change))
    case("another digest", "unsupported", "document.payload", document(digest="SHA256"))

    # the signature
    case("a bit of the signature", "signature", "document.signature", document(flip=95))
    case("by another key", "signature", "document.signature", document(key=keys["stranger"]))
    case("over another header", "signature", "document.signature", document(signed=cbor({1: -7})))
    case("another nonce", "nonce", "document.nonce", good, nonce=draw("nonce", 31))
    case("no nonce", "nonce", "document.nonce", document(nonce=None), nonce=draw("nonce", 32))

    # the chain
    k = keys

    def issue(n, by, exts, start=T - 60, end=T + 10800, cn=None, by_cn=None, **how):
        return cert(k[n], cn or n, k[by], by_cn or by, exts, start, end, **how)

    case("a root that nobody named", "chain", "cabundle[0]", good, roots=[zone])
    chain("the root last", "chain", "cabundle[0]", [instance, zone, root])
    chain("a link left out", "chain", "certificate", [root, zone])
    chain("a link twice", "chain", "cabundle[1]", [root, zone, zone, instance])
    chain("a bundle that is not certificates", "malformed", "cabundle[1]", [root, b"\x30\x00", instance])
    chain("the leaf alone is a root's", "chain", "certificate", [root], roots=[root])
    for what, verdict, item, c in (
            ("a leaf that is an authority", "chain", "certificate", issue("leaf", "instance", [SIGN, basic(True)])),
            ("a leaf that may not sign", "chain", "certificate", issue("leaf", "instance", [CERT_SIGN, basic(False)])),
            ("a leaf without usages", "chain", "certificate", issue("leaf", "instance", [basic(False)])),
            ("a leaf that another key issued", "chain", "certificate", issue("leaf", "stranger", leaf_exts, by_cn="instance")),
            ("a leaf of another issuer", "chain", "certificate", issue("leaf", "instance", leaf_exts, by_cn="zone")),
            ("a leaf with a critical extension", "chain", "certificate", issue("leaf", "instance", leaf_exts + [extension("1.2.3", b"\5\0", True)])),
            ("a leaf after its time", "expired", "certificate", issue("leaf", "instance", leaf_exts, end=T - 1)),
            ("a leaf before its time", "not-yet-valid", "certificate", issue("leaf", "instance", leaf_exts, start=T + 1))):
        chain(what, verdict, item, [root, zone, instance], c)
    for what, verdict, item, c in (
            ("an instance that is no authority", "chain", "cabundle[2]", issue("instance", "zone", [CERT_SIGN, basic(False)])),
            ("an instance that may not issue", "chain", "cabundle[2]", issue("instance", "zone", [SIGN, basic(True, 0)])),
            ("an instance after its time", "expired", "cabundle[2]", issue("instance", "zone", [CERT_SIGN, basic(True, 0)], end=T - 1)),
            ("an instance before its time", "not-yet-valid", "cabundle[2]", issue("instance", "zone", [CERT_SIGN, basic(True, 0)], start=T + 1))):
        chain(what, verdict, item, [root, zone, c])
    chain("a path longer than allowed", "chain", "cabundle[1]",
          [root, issue("zone", "root", [authority, basic(True, 0)]), instance])
    sub = cert(k["stranger"], "leaf", k["leaf"], "leaf", leaf_exts, T - 60, T + 60)
    case("a leaf that issued a leaf", "chain", "cabundle[3]", document(key=k["stranger"], certificate=sub, cabundle=[root, zone, instance, leaf]))
    wrong = cert(k["leaf"], "leaf", rsa, "instance", leaf_exts, T - 60, T + 60)
    rsa_ca = cert(rsa, "instance", k["zone"], "zone", [CERT_SIGN, basic(True, 0)], T - 60, T + 60)
    chain("an authority with an RSA key", "chain", "cabundle[2]", [root, zone, rsa_ca], wrong)
    book.print()


nitro()
