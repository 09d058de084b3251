// leak.js URL DIR ID... : the shape of all that a stranger gets: what is told, in which fields and of which sizes, without the values that time or
// chance give.  Two runs of one shape and other secrets must print the same (leak.sh).
const fs = require("fs")
const [url, dir, ...ids] = process.argv.slice(2)

// CBOR by its form: numbers are N, byte strings their length, or their own form where they hold a signed document or a map of numbers.  What is
// random passes for one of these once in a great while only.
const cbor = (b) => {
  let at = 0
  const head = () => {
    const major = b[at] >> 5, info = b[at++] & 31
    if (info < 24) return [major, info]
    if (info > 27) throw 0
    const n = 1 << (info - 24)
    if (at + n > b.length) throw 0
    const v = n === 8 ? Number(b.readBigUInt64BE(at)) : b.readUIntBE(at, n)
    at += n
    return [major, v]
  }
  const item = () => {
    const [major, v] = head()
    if (major > 1 && major < 6 && v > b.length - at) throw 0
    if (major < 2) return "N"
    if (major === 2 || major === 3) {
      const s = b.subarray((at += v) - v, at)
      if (major === 3 && !/^[ -~]*$/.test(s.toString("latin1"))) throw 0
      return major === 3 ? s.toString() : bytes(s)
    }
    if (major === 4) return "[" + Array.from({ length: v }, item) + "]"
    if (major === 5)
      return "{" + Array.from({ length: v }, () => {
        if (b[at] >> 5 > 1) throw 0
        return item() + ":" + item()
      }) + "}"
    if (major === 7 && v > 22) throw 0
    return major === 6 ? "tag " + item() : "simple " + v
  }
  const shape = item()
  if (at !== b.length) throw 0
  return shape
}
const bytes = (b, whole) => {
  if (whole || (b.length > 100 && (b[0] === 0xd2 || b[0] >> 5 === 5))) try { return "<" + cbor(b) + ">" } catch (e) { }
  return `${b.length} bytes`
}
const json = (v) =>
  Array.isArray(v) ? "[" + v.map(json) + "]"
    : v && typeof v === "object" ? "{" + Object.keys(v).map((k) => k + ":" + json(v[k])) + "}"
    : typeof v === "string" ? (/^[0-9a-f]{16,}$/.test(v) ? `hex ${v.length}` : v.replace(/[0-9a-f]{4,}/g, "hex").replace(/[0-9]+/g, "N")) : typeof v === "number" ? "N" : String(v)

const answer = async (name, path, request) => {
  const r = await fetch(url + path, request), b = Buffer.from(await r.arrayBuffer()), type = r.headers.get("content-type")
  const shape = /json/.test(type) ? json(JSON.parse(b)) : /text/.test(type) ? b.toString().replace(/ [0-9.]+$/gm, " N") : bytes(b, true)
  console.log(`${name}: ${r.status} ${[...r.headers.keys()]} ${type} ${shape}`)
  return b.toString()
}

const main = async () => {
  for (const [i, id] of ids.entries()) {
    await answer(`receipt of ${i}`, `/v1/receipts/${id}`)
    await answer(`results of ${i}`, `/v1/results/${id}`)
    await answer(`promise of ${i}`, `/v1/promises/${id}`)
  }
  for (const path of ["/v1/settlements/1", "/v1/status", "/v1/domain", "/v1/results/zz", "/v1/receipts/" + "0".repeat(64), "/nowhere"]) await answer(path, path)
  await answer("rubbish", "/v1/envelopes", { method: "POST", body: Buffer.from("rubbish") })
  const metrics = await answer("metrics", "/metrics")
  // What is counted of inputs and settlements is the same; how many batches passed meanwhile is time's.
  for (const line of metrics.split("\n")) if (/^cf_(inputs|settlements)_total/.test(line)) console.log(line)
  const lines = new Set()
  for (const file of fs.readdirSync(dir + "/logs"))
    for (const line of fs.readFileSync(`${dir}/logs/${file}`, "utf8").split("\n").filter((l) => l[0] === "{")) {
      const v = JSON.parse(line)
      delete v.time
      lines.add(`log ${file}: ${json(v)}`)
    }
  console.log([...lines].sort().join("\n"))
  for (const file of fs.readdirSync(dir + "/gateway/results").sort())
    console.log(`results on disk: ${fs.statSync(`${dir}/gateway/results/${file}`).size} bytes`)
}
main().catch((e) => { console.error(e); process.exit(1) })
