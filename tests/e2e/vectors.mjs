// Puts one case of our vectors into a folder: vectors.mjs FILE CASE FOLDER writes FOLDER/ROLE, and prints at, words (ROLE=FILE...,
// blanks between) and digest (SHA-256 of the root) as shell variables.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const [file, name, folder] = process.argv.slice(2);
const { blobs, cases } = JSON.parse(readFileSync(file));
const wanted = cases.find((one) => one.name === name);
if (!wanted) throw new Error(`no case "${name}" in ${file}`);

// A blob is hex, or parts: "x" and hex, "t" and text, or another blob's name.
const part = (text) =>
  blobs[text] ? blob(text) : text[0] === "x" ? Buffer.from(text.slice(1), "hex") : Buffer.from(text.slice(1), "utf8");
const blob = (key) => (typeof blobs[key] === "string" ? Buffer.from(blobs[key], "hex") : Buffer.concat(blobs[key].map(part)));

mkdirSync(folder, { recursive: true });
const words = [];
for (const [role, key] of Object.entries(wanted.items)) {
  writeFileSync(`${folder}/${role}`, blob(key));
  words.push(`${role}=${folder}/${role}`);
}
const root = blob(wanted.root ?? wanted.roots?.[0]);
if (root) {
  writeFileSync(`${folder}/trusted_root`, root);
  words.push(`trusted_root=${folder}/trusted_root`);
}
console.log(`at=${wanted.at}\nwords="${words.join(" ")}"\ndigest=${root ? createHash("sha256").update(root).digest("hex") : ""}`);
