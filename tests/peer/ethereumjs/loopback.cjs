// Loaded before the node: whatever listens, listens on the loopback interface alone. The node's own options leave a port open to all.
const net = require('net'), dgram = require('dgram');
const listen = net.Server.prototype.listen, bind = dgram.Socket.prototype.bind;
net.Server.prototype.listen = function (at, ...rest) {
  if (typeof at === 'object') return listen.call(this, { ...at, host: '127.0.0.1' }, ...rest);
  return listen.call(this, { port: at, host: '127.0.0.1' }, ...rest.filter((arg) => typeof arg === 'function'));
};
dgram.Socket.prototype.bind = function (at, ...rest) {
  const port = typeof at === 'object' ? at.port : at;
  return bind.call(this, { port, address: '127.0.0.1' }, ...rest.filter((arg) => typeof arg === 'function'));
};

// For each block and transaction that it reads the node puts its parameters together, copying what it has with each step: half of its time. The same, put into one object.
import('@ethereumjs/common').then(({ Common }) => {
  Common.prototype._mergeWithParamsCache = function (params) { Object.assign(this._paramsCache, params); };
});

// A transaction that comes while the block that has it is executed stays in the node's pool, which then passes over all others of the account for twenty minutes: it looks at
// the lowest nonce alone. What is used already is let fall before a block is built.
Promise.all([import(`${__dirname}/node_modules/@ethereumjs/client/dist/esm/src/service/txpool.js`), import('@ethereumjs/util')]).then(([{ TxPool }, { createAddressFromString }]) => {
  const chosen = TxPool.prototype.txsByPriceAndNonce;
  TxPool.prototype.txsByPriceAndNonce = async function (vm, ...rest) {
    for (const [address, entries] of this.pool) {
      const account = await vm.stateManager.getAccount(createAddressFromString(`0x${address}`));
      const left = entries.filter(({ tx }) => tx.nonce >= (account?.nonce ?? 0n));
      if (left.length) this.pool.set(address, left); else this.pool.delete(address);
    }
    return chosen.call(this, vm, ...rest);
  };
});
