#!/usr/bin/env python3
"""Prints snp.json: SEV-SNP reports under throw-away roots, for each verdict that they can get.  From AMD's formats alone (56860, 57230,
58369)."""

import sys

sys.dont_write_bytecode = True
from pki import *  # noqa: E402, F403

ark_key = Rsa(int(
    "e2354d221734d6813e0c2dc8baf3cd5857d045f6c46bf0c4a60daa2d5ffd747b0517ed893031282bbc2cac1cb6742ae348ca6a19d545eca84ca1f80f"
    "f6d2990f83929e9af6d1cf19fc4560966cf3601bfa25113c5bd5a6edae0161444583b439ee13aa2742115f67775e0f05c3595d9baa759cea6080ad26"
    "faafb4b5770dba6749f271d12b746de8dfc50b123e0cd8d873ce4bd5aa45f53e6d1d77c25569685c10051e3279ee5b8070412582f0438dee2b2809d2"
    "ece5aa25efbc1b94e6c15d0a72569c5695db26e1a30eb9093c09244f2d10afba0c1703a87aa584427deb65ada35c071901475179a24e28acd766c51d"
    "fb870d93eb2c20960d3f796ae90c779d", 16), int(
    "cee260242dac0908b8c811148d192f497610ed67895998772beaf8879d608f8bebae1c86dcd3983ff103c97d3e6274310e2582eeace49b62e3cb3efd"
    "64fff913915a570b9e106638d5aa681933952c0aa208a956248058980824f9553a7591dca849170b2a76ad6862c63c28734ded38db368c3d295b0189"
    "f5ba6ef6ceb4b51cb84039f5ac56c74f4c67d04ad4bf704ebbab46e70774c2fa875bd1c9b4659e05339191aef1567d9ad6b30ee25f4a1eb4f763e985"
    "56932e79a96925d923b2be5dcd2d9c96069f1132c865626eafb2cb3f88e2a1d23e62c4bba7104872a4f74161ba90532d617d7c674c191ea0f37a1c64"
    "fe29af2d5c2cc6f43b1fe9c723bea5ad", 16))
ask_key = Rsa(int(
    "d83ae6a6695fb10eb5f95992747c7b2385fde960f4869cc13ace770483f7387af94a8bcd9f46f84de17be6d1200c4dece791d4dd46f1d97c3d558a00"
    "fb0611d10abd3017a370d643e0a937f827abcabfffccabdea1ba553f918f06ec2274c5dbbbddef13d98ca23cf62010ba2a9fdff1f20cb7027bd49f1a"
    "9559498aecf25f3767afab0c758607130b0e21bf69956046fb33ad023691f73c992e26aabcacecd12958288503423d89d3e64eb4eef1f8a5666531c5"
    "cd97fea0304245091a1427eab185d8bca610877a8087c75f06ebc0b3375de1b923f4aee18d78ea09d632faef289fa3cd80cd0299376494326768f537"
    "73b10dc8dd19ccea985c7eeea72b8969", 16), int(
    "d607f795af5e190e20bc995ff2eba15f7ec976d4564b02e2dd2da938be92b6840f0433acbd381dc638074a9545581aaeb18da2e5085c9ec938fc795d"
    "4044a444cea6ec8abf8ad471eb3a8e1e1c15e7ef05e70bb47da00bd8bb80da321873605fe3eac2f022d6bf4baabf00f901b9c1e0c8b1a0edd2e89fbd"
    "bd693d79cad9f6817ac107d669ee28e7c8f4848748c6ae37d484a68a7ad58d9f742b9fa4e992a1b112ddc17bef54f6e425217cd641fa8957982e4004"
    "69972c39bf3d1767465ecb9f20cc25d7ce7857d811b4a1e2e06b3e59e25112210c0dc3f3fbb0172dbefcc2b21b88ab0bb8eb3e07e89f8af36f60f334"
    "af0aa8b75e919517993a13d7755867e5", 16))
asvk_key = Rsa(int(
    "e12a64b0476a9de5dc32fcab82313bba092d98fbcc6f29a0ce7cb474a6771c5e2c062bfad566f15e683436ec84fb9ad49fb32967b2806f568b5e494e"
    "e484301e8203f7e18b15281288d67b042a56ace62dbb5841dc6fdb8c89f6ec7baec9de70934a5d508a9574de552331a1e4d345655a4c86c7f4a7c048"
    "b2c24b6830bdc8c5", 16), int(
    "fa6670825c5e250bc38acbb1965714195e195982e8845fdec60278b7bb4817a3d42eac0dfefd383e6ef15717f06427aa84b484f8ff7d13570596b0dc"
    "6178c14bfc0c176f829b3c94855d27433d7380a860cf244946a9260fac258289a4b378b9bf11800c45e6ea3256998c79a13af7fdb2742a694ad60622"
    "1b34199b127290c3", 16))
stranger = Rsa(int(
    "fd92240d7e62a1a16a5c2d2d2aafef7e3072abbabf29aaa12020b160d63bdfe57be7c825474387db9cecec179ed44e41b36c59a8eb796a5fd9fa7da1"
    "999ae015e0e9e1ee352a9f8d9951d44dcfc1637bc757722944e69bb48cd1a2aa6ed1aac0a745319afc1ec2c64950e375129d15b51860497defc3d9c4"
    "ad54561ad72878e1", 16), int(
    "f5aa74ea1198fdd36647d0ac73f4e4f1a110d8e492c925c991981aac0ba8651ba26fb31c3543eda811bdef8073aaa423c3a1bb47ea2ff203b36030a3"
    "6337cd763bd72e912d9d204c3b66eb38a07b023404fb58e0846edd6736c5305eef97c8d5ad39e372776b4917adc9132b542cd4e5069c8ef73aec709f"
    "751f422ffb84d403", 16))

AMD = "1.3.6.1.4.1.3704.1."
CHIP = draw("chip", 64)
MEMBERS = {"Milan": ["bl", "tee", None, None, None, None, "snp", "ucode"], "Turin": ["fmc", "bl", "tee", "snp", None, None, None, "ucode"]}
MEMBERS["Genoa"] = MEMBERS["Milan"]
TCB = {"fmc": 1, "bl": 4, "tee": 2, "snp": 24, "ucode": 219}
CPUID = {"Milan": (0x19, 0x01, 1), "Genoa": (0x19, 0xA0, 2), "Turin": (0x1A, 0x02, 1)}
MIT = draw("mitigations", 16)


def tcb_bytes(product, change=None, reserved=0):
    t = {**TCB, **(change or {})}
    return bytes(t[m] if m else reserved for m in MEMBERS[product])


def report(key, product="Milan", version=3, signer=0, policy=0x30000, chip=None, cpuid=None, reported=None, committed=None, current=None,
           launch=None, reserved=0, patch=None, after=None):
    b = bytearray(1184)

    def put(at, value):
        b[at : at + len(value)] = value

    put(0x00, version.to_bytes(4, "little"))
    put(0x04, (7).to_bytes(4, "little"))
    put(0x08, policy.to_bytes(8, "little"))
    put(0x10, draw("family", 16) + draw("image", 16))
    put(0x34, b"\x01")
    put(0x38, tcb_bytes(product, current))
    put(0x40, b"\x25")
    b[0x48] = signer << 2
    put(0x50, draw("data", 32))
    put(0x90, draw("measurement", 48))
    put(0xC0, draw("host", 32))
    put(0x140, draw("id", 32))
    put(0x160, b"\xff" * 32)
    put(0x180, tcb_bytes(product, reported, reserved))
    if version >= 3:
        put(0x188, bytes(cpuid or CPUID[product]))
    put(0x1A0, (CHIP[:8] + bytes(56) if product == "Turin" else CHIP) if chip is None else chip)
    put(0x1E0, tcb_bytes(product, committed))
    put(0x1E8, bytes([29, 55, 1, 0, 21, 55, 1, 0]))
    put(0x1F0, tcb_bytes(product, launch))
    if version >= 5:
        put(0x1F8, MIT)
    for at, value in (patch or {}).items():
        b[at] = value
    r, s = key.rs(bytes(b[:0x2A0]))
    put(0x2A0, r.to_bytes(48, "little"))
    put(0x2E8, s.to_bytes(48, "little"))
    for at, value in (after or {}).items():
        b[at] ^= value
    return bytes(b)


def vek_exts(product, change=None, vlek=False, drop=(), extra=()):
    """The extensions of a VCEK or VLEK by their last arcs; change replaces values, drop leaves out."""
    e = {"1": integer(1 if product == "Turin" else 0), "2": tlv(0x16, f"{product}-B0".encode()), "3.1": integer(TCB["bl"]),
         "3.2": integer(TCB["tee"]), "3.3": integer(TCB["snp"]), "3.8": integer(TCB["ucode"]), "3.5": integer(0)}
    if product == "Turin":
        e["3.9"] = integer(TCB["fmc"])
    if vlek:
        e["5"] = tlv(0x16, b"CN=cloud.example")
    else:
        e["4"] = CHIP[:8] if product == "Turin" else CHIP
    e.update(change or {})
    return [extension(AMD + k, v) for k, v in e.items() if k not in drop] + list(extra)


def snp():
    book = Book()
    vcek, vlek = P384("vcek"), P384("vlek")
    chains = {}
    for product in MEMBERS:
        ark = cert(ark_key, f"ARK-{product}", ark_key, f"ARK-{product}", [CERT_AND_CRL_SIGN, basic(True)], end=T + 3000 * DAY)
        ask = cert(ask_key, f"SEV-{product}", ark_key, f"ARK-{product}", [CERT_SIGN, basic(True, 0)], end=T + 2000 * DAY, serial=65537)
        vek = cert(vcek, "SEV-VCEK", ask_key, f"SEV-{product}", vek_exts(product), serial=0)
        chains[product] = ark, ask, vek
    ark, ask, vek = chains["Milan"]
    asvk = cert(asvk_key, "SEV-VLEK-Milan", ark_key, "ARK-Milan", [usage(0x04, 1), basic(True, 0)], serial=65793)
    vlek_cert = cert(vlek, "SEV-VLEK", asvk_key, "SEV-VLEK-Milan", vek_exts("Milan", vlek=True), serial=0)
    good = report(vcek)
    pinned = [chains[p][0] for p in chains]

    def case(what, verdict, item, rep=good, vek=vek, ask=ask, ark=ark, crl=None, roots=pinned, **rest):
        book.case(what, verdict, item, {"report": rep, "vek": vek, "ask": ask, "ark": ark, "crl": crl}, roots, **rest)

    def variant(what, verdict, item, rep=good, end=T + 30 * DAY, start=T - 30 * DAY, key=vcek, cn="SEV-VCEK", by=ask_key,
                by_cn="SEV-Milan", alg=None, how=None, at=T, **exts):
        c = cert(key, cn, by, by_cn, vek_exts("Milan", **exts), start, end, serial=0, alg=alg, **(how or {}))
        case(what, verdict, item, rep, vek=c, at=at)

    def authority(what, verdict, item, exts=(CERT_SIGN, basic(True, 0)), by=ark_key, start=T - 30 * DAY, end=T + 2000 * DAY, cn="SEV-Milan", at=T):
        c = cert(ask_key, cn, by, "ARK-Milan", list(exts), start, end, serial=65537)
        case(what, verdict, item, ask=c, at=at)

    # accepted
    case("Milan, version 3", "ok", "")
    case("version 2 says nothing of the processor", "ok", "", report(vcek, version=2))
    case("version 4", "ok", "", report(vcek, version=4))
    case("version 5", "ok", "", report(vcek, version=5))
    for p in ("Genoa", "Turin"):
        case(f"{p}", "ok", "", report(vcek, p, 5), chains[p][2], chains[p][1], chains[p][0])
    case("a VLEK", "ok", "", report(vlek, signer=1, chip=bytes(64)), vlek_cert, asvk)
    case("masked chip", "ok", "", report(vcek, chip=bytes(64)))
    case("debug is reported, not judged", "ok", "", report(vcek, policy=0xB0000))
    case("its data, zero-padded", "ok", "", nonce=draw("data", 32))
    case("a list that names another", "ok", "", crl=crl(ark_key, "ARK-Milan", T - DAY, T + DAY, [4711]))
    case("the list's last second", "ok", "", crl=crl(ark_key, "ARK-Milan", T - DAY, T, []))
    case("the key's last second", "ok", "", at=T + 30 * DAY)
    case("the key's first second", "ok", "", at=T - 30 * DAY)

    # the report
    case("version 1", "unsupported", "report.version", report(vcek, version=1))
    case("version 6", "unsupported", "report.version", report(vcek, version=6))
    case("one byte short", "malformed", "report", good[:-1])
    case("one byte more", "malformed", "report", good + b"\0")
    case("another signature algorithm", "unsupported", "report.signature", report(vcek, patch={0x34: 2}))
    for at in (0x49, 0x4C, 0x18B, 0x1EB, 0x1EF, 0x1F8, 0x29F):
        case(f"reserved byte {at:#x} in use", "unsupported", "report", report(vcek, patch={at: 0x80}))
    case("version 2 with a processor", "unsupported", "report", report(vcek, version=2, patch={0x188: 0x19}))
    for at in (0x2D0, 0x2E7, 0x318, 0x32F, 0x330, 0x49F):
        case(f"byte {at:#x} beside the signature", "malformed", "report.signature", report(vcek, after={at: 1}))
    case("nobody signed", "signature", "report.signer", report(vcek, signer=7))
    case("a signer that is none", "signature", "report.signer", report(vcek, signer=2))
    case("a bit of the measurement", "signature", "report.signature", report(vcek, after={0x90: 1}))
    case("a bit of r", "signature", "report.signature", report(vcek, after={0x2A0: 1}))
    case("r is zero", "signature", "report.signature", good[:0x2A0] + bytes(72) + good[0x2E8:])
    case("by another key", "signature", "report.signature", report(P384("other")))
    case("over other data", "binding", "report.report_data", nonce=draw("data", 31))
    case("over data of 65 bytes", "binding", "report.report_data", nonce=draw("data", 32) + bytes(33))

    # the chain
    for role in ("vek", "ask", "ark"):
        case(f"no {role}", "collateral-missing", role, **{role: None})
        case(f"{role} with a byte behind it", "malformed", role, **{role: {"vek": vek, "ask": ask, "ark": ark}[role] + b"\0"})
    case("a root that nobody named", "chain", "ark", roots=[chains["Turin"][0]])
    case("the root of another product", "chain", "ask", ark=chains["Genoa"][0])
    case("a root of no known product", "unsupported", "ark",
         ark=(odd := cert(ark_key, "ARK-Venice", ark_key, "ARK-Venice", [CERT_AND_CRL_SIGN, basic(True)])), roots=[odd])
    case("ASVK for a VCEK", "chain", "ask", ask=asvk)
    case("a VLEK's report under a VCEK", "chain", "ask", report(vcek, signer=1))
    case("a VCEK's report under a VLEK", "chain", "ask", report(vlek), vlek_cert, asvk)
    variant("a leaf of another name", "chain", "vek", cn="SEV-VLEK")
    variant("a leaf that another key issued", "chain", "vek", by=stranger)
    variant("a leaf that names another issuer", "chain", "vek", by_cn="SEV-Genoa")
    variant("a leaf that is an authority", "chain", "vek", extra=[basic(True)])
    variant("a critical extension that nobody knows", "chain", "vek", extra=[extension("1.2.3.4", b"\5\0", True)])
    variant("an extension twice", "malformed", "vek", extra=[extension(AMD + "3.1", integer(4))])
    variant("a salt of 32 bytes", "unsupported", "vek", alg=pss_alg(salt=32), how={"salt": 32})
    variant("PSS with SHA-256", "unsupported", "vek", alg=pss_alg("2.16.840.1.101.3.4.2.1", 32), how={"salt": 32, "hash_name": "sha256"})
    variant("a salt of 32 bytes that says 48", "chain", "vek", how={"salt": 32})
    variant("a leaf with an RSA key", "unsupported", "vek", key=stranger)
    variant("a leaf after its time", "expired", "vek", at=T + 30 * DAY + 1)
    variant("a leaf before its time", "not-yet-valid", "vek", at=T - 30 * DAY - 1)
    authority("an intermediate that is no authority", "chain", "ask", [CERT_SIGN, basic(False)])
    authority("an intermediate without basic constraints", "chain", "ask", [CERT_SIGN])
    authority("an intermediate that may not sign certificates", "chain", "ask", [SIGN, basic(True, 0)])
    authority("an intermediate that another key issued", "chain", "ask", by=stranger)
    authority("an intermediate of another name", "chain", "ask", cn="SEV-Genoa")
    authority("an intermediate after its time", "expired", "ask", end=T - 1)
    authority("an intermediate before its time", "not-yet-valid", "ask", start=T + 1)
    case("a root after its time", "expired", "ark",
         ark=(old := cert(ark_key, "ARK-Milan", ark_key, "ARK-Milan", [CERT_AND_CRL_SIGN, basic(True)], end=T - 1)), roots=[old])

    # lists
    case("the intermediate revoked", "revoked", "ask", crl=crl(ark_key, "ARK-Milan", T - DAY, T + DAY, [5, 65537, 9]))
    case("a list out of time", "collateral-stale", "crl", crl=crl(ark_key, "ARK-Milan", T - DAY, T - 1, []))
    case("a list of later", "not-yet-valid", "crl", crl=crl(ark_key, "ARK-Milan", T + 1, T + DAY, []))
    case("a list of another issuer", "collateral-missing", "crl", crl=crl(ark_key, "ARK-Genoa", T - DAY, T + DAY, []))
    case("a forged list", "signature", "crl", crl=crl(stranger, "ARK-Milan", T - DAY, T + DAY, []))
    case("a partial list", "unsupported", "crl",
         crl=crl(ark_key, "ARK-Milan", T - DAY, T + DAY, [], [extension("2.5.29.27", integer(1), True)]))
    case("a list cut short", "malformed", "crl", crl=crl(ark_key, "ARK-Milan", T - DAY, T + DAY, [5])[:-1])
    case("a root that may not sign lists", "chain", "ark", crl=crl(ark_key, "ARK-Milan", T - DAY, T + DAY, []),
         ark=(mute := cert(ark_key, "ARK-Milan", ark_key, "ARK-Milan", [CERT_SIGN, basic(True)])), roots=[mute])

    # what the certificate says of the chip
    for arc, value in (("1", 1), ("3.1", 5), ("3.2", 1), ("3.3", 23), ("3.8", 218), ("3.5", 1)):
        variant(f"certified member {arc} is another", "binding", "vek", change={arc: integer(value)})
    variant("a member is missing", "binding", "vek", drop=["3.8"])
    variant("a member with a byte behind it", "binding", "vek", change={"3.1": integer(4) + b"\0"})
    variant("a negative member", "binding", "vek", change={"3.8": tlv(2, bytes([219]))})
    variant("a member of two bytes", "binding", "vek", change={"3.1": integer(260)})
    case("FMC of another", "binding", "vek", report(vcek, "Turin", 5, reported={"fmc": 0}), *reversed(chains["Turin"]))
    variant("another product's key", "chain", "vek", change={"2": tlv(0x16, b"Genoa-B0")})
    variant("a product that begins alike", "chain", "vek", change={"2": tlv(0x16, b"MilanX")})
    variant("no product", "chain", "vek", drop=["2"])
    variant("another chip's key", "binding", "vek", change={"4": draw("other chip", 64)})
    variant("a chip of 63 bytes", "chain", "vek", change={"4": CHIP[:63]})
    variant("no chip", "chain", "vek", drop=["4"])
    variant("a chip and a cloud", "chain", "vek", change={"5": tlv(0x16, b"CN=cloud.example")})
    case("Turin: the rest of the chip's field in use", "binding", "vek", report(vcek, "Turin", 5, chip=CHIP[:9] + bytes(55)),
         *reversed(chains["Turin"]))
    for what, change, drop in (("a VLEK without a cloud", {}, ["5"]), ("a VLEK with a chip", {"4": CHIP}, []), ("a cloud without a name", {"5": tlv(0x16)}, [])):
        c = cert(vlek, "SEV-VLEK", asvk_key, "SEV-VLEK-Milan", vek_exts("Milan", change, True, drop), serial=0)
        case(what, "chain", "vek", report(vlek, signer=1, chip=bytes(64)), c, asvk)
    for p, cpuid in (("Milan", (0x19, 0x11, 1)), ("Genoa", (0x19, 0x01, 1)), ("Turin", (0x19, 0x02, 1))):
        case(f"the processor is no {p}", "binding", "report.cpuid", report(vcek, p, cpuid=cpuid), *reversed(chains[p]))

    # levels
    case("reported above committed", "tcb", "report.committed_tcb", report(vcek, committed={"ucode": 218}))
    case("one member above, another far below", "tcb", "report.committed_tcb", report(vcek, committed={"snp": 23, "ucode": 255}, current={"ucode": 255}))
    case("committed above current", "tcb", "report.current_tcb", report(vcek, current={"bl": 3}))
    case("a reserved component in use", "unsupported", "report.reported_tcb", report(vcek, reserved=1))
    book.print()


snp()
