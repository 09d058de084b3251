// chain.mjs DIR PORT [BEHIND]: a chain whose blocks are made and executed by an @ethereumjs/client with its database in DIR, over the
// Engine API. This is the consensus: it says when a block is made, which is the newest, and that blocks are final BEHIND (3) blocks later.
//
// PORT is the node's JSON-RPC, PORT+1 its Engine API, PORT+2 what tests tell the consensus, as JSON-RPC. Methods have the names and
// parameters of anvil's, so that a test speaks to both alike:
//   anvil_mine [n]  anvil_reorg [depth, []]  evm_setNextBlockTimestamp [s]  evm_setAutomine [bool]  evm_setIntervalMining [s]
//   node_end []     the node ends at once, as by a power cut; what it had stored is there   node_start []
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';

const [dir, base, behind] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4] ?? 3)];
const here = new URL('.', import.meta.url).pathname;
const zero = '0x' + '00'.repeat(32);
const hex = (n) => '0x' + n.toString(16);

// ---- the node ----

// Prague from its first block on; the account that has all the money is anvil's first.
const genesis = {
  config: {
    chainId: 31337, homesteadBlock: 0, eip150Block: 0, eip155Block: 0, eip158Block: 0, byzantiumBlock: 0, constantinopleBlock: 0,
    petersburgBlock: 0, istanbulBlock: 0, berlinBlock: 0, londonBlock: 0, mergeForkBlock: 0, mergeNetsplitBlock: 0, terminalTotalDifficulty: 0,
    terminalTotalDifficultyPassed: true, shanghaiTime: 0, cancunTime: 0, pragueTime: 0,
    blobSchedule: { cancun: { target: 3, max: 6, baseFeeUpdateFraction: 3338477 }, prague: { target: 6, max: 9, baseFeeUpdateFraction: 5007716 } },
  },
  nonce: '0x0', timestamp: hex(Math.floor(Date.now() / 1000) - 3600), extraData: '0x', gasLimit: hex(30000000), difficulty: '0x0',
  mixHash: zero, coinbase: '0x' + '00'.repeat(20), baseFeePerGas: hex(1000000000), number: '0x0', gasUsed: '0x0', parentHash: zero,
  alloc: { '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266': { balance: hex(10n ** 22n) } },
};

let node;

async function startNode() {
  const log = openSync(`${dir}/node.log`, 'a');
  node = spawn(process.execPath, ['--require', `${here}loopback.cjs`, `${here}node_modules/@ethereumjs/client/dist/esm/bin/cli.js`,
    '--dataDir', `${dir}/data`, '--gethGenesis', `${dir}/genesis.json`, '--rpc', '--rpcAddr', '127.0.0.1', '--rpcPort', base,
    '--rpcEngine', '--rpcEngineAuth=false', '--rpcEngineAddr', '127.0.0.1', '--rpcEnginePort', base + 1, '--port', base + 3, '--isSingleNode',
    '--discDns=false', '--discV4=false', '--saveReceipts', '--no-logFile', '--logLevel=info'], { cwd: dir, stdio: ['ignore', log, log] });
  for (;;) {
    try {
      await ask(base, 'eth_chainId', []);
      return await ask(base + 1, 'engine_exchangeCapabilities', [[]]);
    } catch { await new Promise((r) => setTimeout(r, 50)); }
    if (node.exitCode !== null) throw new Error('the node ended');
  }
}

function ask(port, method, params) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  return new Promise((yes, no) => {
    const req = request({ host: '127.0.0.1', port, method: 'POST', headers: { 'content-type': 'application/json' } }, (res) => {
      let text = '';
      res.on('data', (part) => (text += part)).on('end', () => {
        try {
          const { result, error } = JSON.parse(text);
          if (error) no(new Error(`${method}: ${JSON.stringify(error)}`)); else yes(result);
        } catch (e) { no(e); }
      });
    });
    req.on('error', no).end(body);
  });
}

// ---- the consensus ----

const chain = []; // by height: { hash, time, payload, root, requests }
let finalized = 0; // height: it falls only when a test reorganises more than that
let next = 0;      // the time of the next block, when a test has set it

async function choose(attributes) {
  finalized = Math.max(finalized, chain.length - 1 - behind);
  const final = chain[finalized];
  const state = { headBlockHash: chain.at(-1).hash, safeBlockHash: final.hash, finalizedBlockHash: finalized ? final.hash : zero };
  let { payloadStatus, payloadId } = await ask(base + 1, 'engine_forkchoiceUpdatedV3', [state, attributes ?? null]);
  for (let tries = 0; payloadStatus.status === 'SYNCING' && tries < 5; tries++) { // it came again without its newest blocks
    for (const block of chain.slice(-32)) if (block.payload) await feed(block).catch(() => 0);
    ({ payloadStatus, payloadId } = await ask(base + 1, 'engine_forkchoiceUpdatedV3', [state, attributes ?? null]));
  }
  if (payloadStatus.status !== 'VALID') throw new Error(`the node does not follow: ${JSON.stringify(payloadStatus)}`);
  return payloadId;
}

async function feed(block) {
  const status = await ask(base + 1, 'engine_newPayloadV4', [block.payload, [], block.root, block.requests]);
  if (status.status !== 'VALID') throw new Error(`the node refuses its own block: ${JSON.stringify(status)}`);
}

async function mine() {
  const time = next || Math.max(Math.floor(Date.now() / 1000), chain.at(-1).time + 1), root = '0x' + randomBytes(32).toString('hex');
  next = 0;
  const id = await choose({ timestamp: hex(time), prevRandao: '0x' + randomBytes(32).toString('hex'), suggestedFeeRecipient: '0x' + 'c0'.repeat(20),
    withdrawals: [], parentBeaconBlockRoot: root });
  const { executionPayload: payload, executionRequests: requests } = await ask(base + 1, 'engine_getPayloadV4', [id]);
  const block = { hash: payload.blockHash, time, payload, root, requests };
  await feed(block);
  chain.push(block);
  await choose();
}

// The newest blocks are replaced by empty ones. Not by others that have the same transactions: this node loses where a transaction is when a
// block that had it leaves the chain after another that has it was executed, and then knows nothing of it for ever.
async function reorg(depth) {
  if (depth >= chain.length) throw new Error('so many blocks there are not');
  const gone = chain.splice(-depth), kept = chain.length, was = finalized;
  finalized = Math.min(finalized, kept - 1);
  try {
    for (const { time } of gone) { // no block is of a time to come
      for (;;) {
        next = time;
        await mine();
        if (!chain.at(-1).payload.transactions.length) break;
        chain.pop();
      }
    }
  } catch (e) { // the node cannot: it stays as it was, for a second try must not go deeper
    chain.splice(kept, Infinity, ...gone);
    finalized = was;
    next = 0;
    throw e;
  }
}

async function restart() {
  await startNode();
  let at = chain.length; // what the node has lost is told to it again
  while (--at > 0) if (await ask(base, 'eth_getBlockByHash', [chain[at].hash, false])) break;
  while (++at < chain.length) await feed(chain[at]);
  await choose();
}

// ---- what tests say ----

let timer, waiting = 0, line = Promise.resolve();
const inTurn = (what) => { waiting++; return (line = line.then(what, what).finally(() => waiting--)); };
const number = (v) => Number(BigInt(v ?? 1));

const methods = {
  anvil_mine: async ([n]) => { for (let i = number(n); i; i--) await mine(); },
  anvil_reorg: ([depth]) => reorg(number(depth)),
  evm_setNextBlockTimestamp: async ([s]) => { next = number(s); },
  evm_setAutomine: async () => {}, // it never makes a block by itself
  evm_setIntervalMining: async ([s]) => {
    clearInterval(timer);
    const due = () => { if (!waiting && Math.floor(Date.now() / 1000) > chain.at(-1).time) inTurn(mine).catch(tell); };
    if (number(s)) timer = setInterval(due, number(s) * 1000);
  },
  node_end: async () => { node.kill('SIGKILL'); await new Promise((r) => (node.exitCode ?? node.signalCode) !== null ? r() : node.once('exit', r)); },
  node_start: restart,
};
const tell = (e) => console.error(String(e.message ?? e));

function serve(req, res) {
  let text = '';
  req.on('data', (part) => (text += part)).on('end', async () => {
    let answer = { jsonrpc: '2.0', id: null };
    try {
      const { id, method, params } = JSON.parse(text);
      answer.id = id;
      answer.result = (await inTurn(() => methods[method](params))) ?? true;
    } catch (e) { tell(e); answer.error = { code: -32000, message: String(e.message ?? e) }; }
    res.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  });
}

mkdirSync(`${dir}/data`, { recursive: true });
writeFileSync(`${dir}/genesis.json`, JSON.stringify(genesis));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => { node.kill('SIGKILL'); process.exit(0); });
await startNode();
const first = await ask(base, 'eth_getBlockByNumber', ['0x0', false]);
chain.push({ hash: first.hash, time: Number(first.timestamp) });
createServer(serve).listen(base + 2, '127.0.0.1', () => console.log('ready'));
