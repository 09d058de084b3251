#!/usr/bin/env node
// What @phala/dcap-qvl takes for the quote of bench_quote.c, with the same collateral: each line on stdin is answered by verifications a
// second of processor time.  It keeps nothing from one quote to the next.  Run where build/peers/dcap is the folder of modules.
import { createInterface } from 'node:readline'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const folder = join(process.cwd(), 'build', 'peers', 'dcap')
const { collateral, ours } = await import(pathToFileURL(join(folder, 'quotes.mjs')))
const qvl = createRequire(join(folder, 'quotes.mjs'))('@phala/dcap-qvl')
const c = ours('tests/vectors').find(one => one.name === 'as large as Intel\'s')
const by = qvl.QuoteVerifier.newWithRootCa(c.root), items = collateral(c.items)

function rate() {
  const start = process.cpuUsage()
  let n = 0, spent = 0
  for (; spent < 0.5e6; n++) {
    if (by.verify(c.items.quote, items, c.at).status !== c.status) throw new Error('another status')
    const now = process.cpuUsage(start)
    spent = now.user + now.system
  }
  return n / spent * 1e6
}

rate() // warms up what compiles on the way
for await (const _ of createInterface({ input: process.stdin })) console.log(rate().toFixed(1))
