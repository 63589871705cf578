// What memjs sends. usage: node memjs_ops.js HOST PORT (with memjs on NODE_PATH)
const memjs = require('memjs');

async function main() {
  const c = memjs.Client.create(`${process.argv[2]}:${process.argv[3]}`, { retries: 0, timeout: 5 });
  const quietly = (promise) => promise.catch(() => null); // a refusal is part of what is recorded
  await c.set('text', 'some text', { expires: 100 });
  await c.get('text');
  await c.get('absent');
  await c.set('large', Buffer.alloc(20000, 'x'), {});
  await c.get('large');
  await quietly(c.add('text', 'again', {}));
  await quietly(c.add('added', 'first', {}));
  await quietly(c.replace('added', 'second', {}));
  await quietly(c.replace('absent', 'x', {}));
  await quietly(c.append('added', '-end'));
  await quietly(c.prepend('added', 'start-'));
  await quietly(c.append('absent', 'x'));
  await quietly(c.touch('added', 100));
  await quietly(c.touch('absent', 100));
  await quietly(c.increment('count', 5, { initial: 10 }));
  await quietly(c.increment('count', 5, { initial: 10 }));
  await quietly(c.decrement('count', 100, {}));
  await quietly(c.increment('text', 1, {}));
  await Promise.all([...Array(30).keys()].map((i) => c.set(`many:${i}`, `value ${i}`, {})));
  await Promise.all([...Array(40).keys()].map((i) => quietly(c.get(`many:${i}`))));
  await quietly(c.delete('added'));
  await quietly(c.delete('added'));
  await new Promise((done) => c.statsWithKey('', (error, server, stats) => stats && done()));
  await quietly(c.flush());
  await c.get('text');
  c.quit();
}

main();
