// Checks results (EAR, docs/protocol/evidence.md) with COSE and CBOR libraries of others, from the page and the public key alone.
//   ear.mjs JWK-FILE EVIDENCE FILE:NONCE-HEX:VERDICT...      JWK-FILE is JSON with the key as ear_key or ear-verification-key.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { decode, encode, rfc8949EncodeOptions } from "cborg";

const { Algorithms, COSEKey, Sign1, errors } = createRequire(import.meta.url)("@auth0/cose");
const [keyFile, evidence, ...results] = process.argv.slice(2);
const sha256 = (bytes) => createHash("sha256").update(bytes).digest();
const hex = (bytes) => Buffer.from(bytes).toString("hex");

function read(bytes) {
  const value = decode(bytes, { useMaps: true, strict: true, rejectDuplicateMapKeys: true });
  assert.equal(hex(encode(value, rfc8949EncodeOptions)), hex(bytes), "not deterministic");
  return value;
}

const json = JSON.parse(readFileSync(keyFile));
const jwk = json.ear_key ?? json["ear-verification-key"];
const coseKey = new Map([[1, 2], [-1, 1], [-2, Buffer.from(jwk.x, "base64url")], [-3, Buffer.from(jwk.y, "base64url")]]);
const kid = sha256(encode(coseKey, rfc8949EncodeOptions));
assert.equal(jwk.kid, hex(kid), "the key's own name");
const key = await COSEKey.import(coseKey).toKeyLike();
const verify = (bytes) => Sign1.decode(bytes).verify(key, { algorithms: [Algorithms.ES256] });

for (const result of results) {
  const [file, nonce, verdict] = result.split(":");
  const message = readFileSync(file);
  const { encodedProtectedHeaders, payload } = Sign1.decode(message);
  const header = read(encodedProtectedHeaders);
  assert.equal(header.get(1), -7);
  assert.equal(hex(header.get(4)), hex(kid), "kid");
  assert.equal(header.get(16), "application/eat+cwt");
  await verify(message);
  for (let i = 0; i < payload.length; i += 41) {
    const copy = Uint8Array.from(message);
    copy[Buffer.from(message).indexOf(payload) + i] ^= 1;
    await assert.rejects(verify(copy), errors.COSESignatureVerificationFailed);
  }

  const claims = read(payload);
  assert.equal(claims.get(265), "tag:counterfoil.example,2026:ear/1");
  assert.equal(claims.get(-75010), verdict);
  assert.equal(claims.get(1000), verdict === "ok" ? 2 : 96, "the tier");
  assert.equal(claims.get(266).get("enclave").get(1000), claims.get(1000));
  assert.equal(claims.has(10) ? hex(claims.get(10)) : "", nonce, "eat_nonce");
  assert.equal(hex(claims.get(-75020)), hex(sha256(readFileSync(evidence))), "the evidence's hash");
  assert(claims.get(-75019) >= claims.get(6), "ends before it was given");
  console.log(`${file}: ${verdict}, ${claims.size} claims, ${payload.length} bytes`);
}
