#!/usr/bin/env python3
"""Makes keystore.txt: key files of Web3 Secret Storage, by hashlib's scrypt and pbkdf2, OpenSSL's aes-128-ctr, and the Keccak below.
Each is three lines: password, key, file.  usage: make_keystore.py >keystore.txt"""
import hashlib
import json
import subprocess


def keccak256(data):
    """FIPS 202's permutation with Keccak's own padding."""
    rotations = [[0, 36, 3, 41, 18], [1, 44, 10, 45, 2], [62, 6, 43, 15, 61], [28, 55, 25, 21, 56], [27, 20, 39, 8, 14]]
    mask = (1 << 64) - 1
    rol = lambda v, n: ((v << n) | (v >> (64 - n))) & mask if n else v
    state = [[0] * 5 for _ in range(5)]
    data = bytearray(data) + b"\x01" + bytes(-(len(data) + 1) % 136)
    data[-1] |= 0x80
    for at in range(0, len(data), 136):
        for i in range(17):
            state[i % 5][i // 5] ^= int.from_bytes(data[at + 8 * i:at + 8 * i + 8], "little")
        lfsr = 1
        for _ in range(24):
            column = [s[0] ^ s[1] ^ s[2] ^ s[3] ^ s[4] for s in state]
            mix = [column[(x - 1) % 5] ^ rol(column[(x + 1) % 5], 1) for x in range(5)]
            turned = [[0] * 5 for _ in range(5)]
            for x in range(5):
                for y in range(5):
                    turned[y][(2 * x + 3 * y) % 5] = rol(state[x][y] ^ mix[x], rotations[x][y])
            state = [[turned[x][y] ^ (~turned[(x + 1) % 5][y] & turned[(x + 2) % 5][y]) & mask for y in range(5)] for x in range(5)]
            for j in range(7):
                if lfsr & 1:
                    state[0][0] ^= 1 << ((1 << j) - 1)
                lfsr = (lfsr << 1) ^ (0x171 if lfsr & 0x80 else 0)
    return b"".join(state[i][0].to_bytes(8, "little") for i in range(4))


def file_of(password, key, kdf, params, salt, iv, more):
    if kdf == "scrypt":
        derived = hashlib.scrypt(password.encode(), salt=salt, n=params["n"], r=params["r"], p=params["p"], maxmem=1 << 29, dklen=32)
    else:
        derived = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, params["c"], 32)
    ciphertext = subprocess.run(["openssl", "enc", "-aes-128-ctr", "-K", derived[:16].hex(), "-iv", iv.hex()], input=key,
                                capture_output=True, check=True).stdout
    crypto = {"cipher": "aes-128-ctr", "cipherparams": {"iv": iv.hex()}, "ciphertext": ciphertext.hex(), "kdf": kdf,
              "kdfparams": {**params, "dklen": 32, "salt": salt.hex()}, "mac": keccak256(derived[16:] + ciphertext).hex()}
    return json.dumps({**more, "crypto": crypto, "version": 3})


def main():
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    one = bytes(31) + b"\x01"  # of address 7e5f4552091a69125d5dfcb7b8c2659029395bdf
    rows = [
        ("correct horse", one, "scrypt", {"n": 1024, "r": 8, "p": 1}, bytes(range(32)), bytes(range(16)),
         {"address": "7e5f4552091a69125d5dfcb7b8c2659029395bdf", "id": "01234567-89ab-4cde-8f01-23456789abcd"}),
        ("correct horse", one, "pbkdf2", {"c": 1000, "prf": "hmac-sha256"}, bytes(range(32)), bytes(range(16)),
         {"address": "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"}),
        ("p\u00e4ssw\u00f6rd \u20ac", bytes(range(1, 33)), "scrypt", {"n": 4096, "r": 8, "p": 6}, b"", b"\xff" * 16, {"id": None}),
        ("x" * 40, bytes(range(2, 34)), "pbkdf2", {"c": 1, "prf": "hmac-sha256"}, b"salt", bytes(16), {"name": "an account"}),
        ("two words", bytes(range(3, 35)), "scrypt", {"n": 2, "r": 1, "p": 8}, bytes(64), bytes(range(16, 32)), {}),
    ]
    print("# By make_keystore.py. password, key, file")
    for password, key, kdf, params, salt, iv, more in rows:
        print(password, key.hex(), file_of(password, key, kdf, params, salt, iv, more), sep="\n")


main()
