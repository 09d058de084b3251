#!/usr/bin/env node
// gas.js FILE: the rows that contracts/test/Gas.t.sol has measured, each beside its target.
const fs = require('fs');

const measured = new Map(fs.readFileSync(process.argv[2], 'utf8').trim().split('\n').map((line) => {
  const [name, gas, by] = line.split(' ');
  return [name, { gas: Number(gas), by: Number(by) }];
}));

// name, what it is, the most that it may cost (per position where the row has many; null: it is only said)
const targets = [
  ['settle-empty', 'settlement, empty', 40000],
  ['settle-100-dense', '100 positions, four to a slot: each', 2110],
  ['settle-100-two', '100 positions, two to a slot: each', 3400],
  ['settle-100-sparse', '100 positions, one to a slot: each', 5950],
  ['settle-500-dense', '500 positions, four to a slot: each', 1790],
  ['settle-500-sparse', '500 positions, one to a slot: each', 5625],
  ['settle-5x20-dense', '5 assets of 20, four to a slot: each', 2120],
  ['settle-15x10-sparse', '15 assets of 10, one to a slot: each', 5850],
  ['settle-2500-sparse', '2,500 positions in 3 assets, whole', 2 ** 24, 'whole'],
  ['release-50', '50 releases, with their debits: each', 12200],
  ['register-plain', 'registration, 3 of 5', 85000],
  ['register-fencing', 'registration, 3 of 5, fencing', 85000],
  ['withdraw-old', 'withdrawal to a holder', 50000],
  ['withdraw-new', 'withdrawal to a new holder', 67000],
  ['exit-both', 'exit on one\'s own, both calls', 96000],
  ['deposit-again', 'deposit', 61000],
  ['deposit-first', 'deposit, first of the account', 78000],
  ['open', 'account opened', 79000],
  ['root-empty', 'root: settlement, empty', 40000],
  ['root-100-deltas', 'root: 100 deltas of 8 bytes: each', 620],
  ['root-1000-deltas', 'root: 1,000 deltas of 8 bytes: each', 350],
  ['root-1000-digests', 'root: 1,000 digests of 32 bytes: each', null],
  ['root-1000-digests-20', 'root: 1,000 digests of 20 bytes: each', null],
  ['root-release-50', 'root: 50 releases: each', 12200],
  ['root-exit', 'root: exit once it is dead, depth 32', 88000],
  ['root-deposit-again', 'root: deposit', 61000],
  ['root-deposit-first', 'root: deposit, first of the account', 78000],
];

const cells = (row, widths) => row.map((c, i) => (i ? String(c).padStart(widths[i]) : String(c).padEnd(widths[i]))).join('  ');
const number = (n) => n.toLocaleString('en-US', { maximumFractionDigits: 0 });

let over = 0;
const first = [40, 10, 10, 8];
console.log(cells(['gas, all in', 'ours', 'target', ''], first));
for (const [name, what, target, whole] of targets) {
  const { gas, by } = measured.get(name);
  const ours = whole ? gas : gas / by;
  const above = target !== null && ours > target;
  if (above) over++;
  console.log(cells([what, number(ours), target === null ? '-' : number(target), above ? `+${number(ours - target)}` : ''], first));
}

const second = [14, 12, 12, 12, 12, 12];
const each = (name) => number(measured.get(name).gas / measured.get(name).by);
console.log('\nWhat one settled position costs, beside one payment by others (recipients hold the token already)');
console.log(cells(['how many', 'dense', 'sparse', 'root', 'single', 'disperse'], second));
for (const [n, ours, disperse] of [[1, 2, 1], [10, 10, 10], [100, 100, 100], [1000, 1000, 1000]]) {
  const row = (kind) => each(ours === 100 ? `settle-100-${kind}` : `position-${ours}-${kind}`);
  console.log(cells([ours === n ? number(n) : `${n} (ours: ${ours})`, row('dense'), row('sparse'), each(`root-${n}-deltas`),
    each('transfer-single'), each(`disperse-${disperse}`)], second));
}
console.log(`
dense: four touched accounts to a slot; sparse: one. A settlement adds up to 0, so that its least is 2 positions.
root: mode root, a delta of 8 bytes for each, by which others can follow the book.
single: one ERC-20 transfer a transaction; disperse: one transferFrom, then a transfer for each recipient, in one.
Calldata: 16 gas a byte that is not zero, 4 one that is (and the floor of EIP-7623); account ids have 3 or 4 bytes that
are not zero, amounts 5, debits 3 more for their sign. Recipients' addresses have 20, their amounts 5.`);
console.log(`gas: ${targets.length} rows, ${over} over target`);
