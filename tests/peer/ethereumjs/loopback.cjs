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
