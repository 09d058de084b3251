#!/usr/bin/env node
// What viem makes of the transactions of bench_submit.c: each line on stdin, "URL KEY TO DATA N", is answered by transactions a second, signed by a local
// account with fees and gas given, sent 16 at a time in one batch, until the newest block has them all.  Run where build/peers/viem is the folder of modules.
import { createInterface } from 'node:readline'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const from = createRequire(join(process.cwd(), 'build', 'peers', 'viem', 'package.json'))
const load = name => import(pathToFileURL(from.resolve(name)))
const { createPublicClient, createWalletClient, http, defineChain } = await load('viem')
const { privateKeyToAccount } = await load('viem/accounts')

async function rate(url, key, to, data, n) {
  const chain = defineChain({ id: 31337, name: 'anvil', nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: [url] } } })
  const account = privateKeyToAccount(key), transport = http(url, { batch: { batchSize: 16 } })
  const wallet = createWalletClient({ account, chain, transport }), seen = createPublicClient({ chain, transport, cacheTime: 0 })
  const first = await seen.getTransactionCount({ address: account.address })
  const start = performance.now()
  for (let at = 0; at < n; at += 16)
    await Promise.all(Array.from({ length: Math.min(16, n - at) }, (_, i) => wallet.sendTransaction({
      to, data, nonce: first + at + i, gas: 400000n, maxFeePerGas: 20000000000n, maxPriorityFeePerGas: 1000000n, type: 'eip1559' })))
  while (await seen.getTransactionCount({ address: account.address }) < first + n);
  return n / (performance.now() - start) * 1e3
}

for await (const line of createInterface({ input: process.stdin })) {
  const [url, key, to, data, n] = line.split(' ')
  console.log((await rate(url, key, to, data, Number(n))).toFixed(1))
}
