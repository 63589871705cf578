// Operations of memjs, and what they come to. Usage: HOST PORT
"use strict";
const memjs = require("memjs");

const [host, port] = process.argv.slice(2);
const client = memjs.Client.create(`${host}:${port}`, { retries: 0, timeout: 10 });

async function show(what, operation) {
  let result;
  try {
    result = await operation;
    if (result !== null && Buffer.isBuffer(result.value)) {
      result = { value: result.value.toString("latin1"), flags: result.flags.toString("hex") };
    }
  } catch (error) {
    result = `error: ${error.message}`;
  }
  const text = JSON.stringify(result);
  console.log(what, text.length > 200 ? `${text.length} letters` : text);
}

async function main() {
  await show("get of nothing", client.get("missing"));
  await show("set", client.set("key", "value", { expires: 1000 }));
  await show("get", client.get("key"));
  await show("add of what is there", client.add("key", "other", {}));
  await show("add", client.add("new", Buffer.from([0, 255, 13, 10]), {}));
  await show("get", client.get("new"));
  await show("replace", client.replace("key", "second", {}));
  await show("replace of nothing", client.replace("missing", "x", {}));
  await show("append", client.append("key", " and more"));
  await show("prepend", client.prepend("key", "first and "));
  await show("append to nothing", client.append("missing", "x"));
  await show("get", client.get("key"));
  await show("touch", client.touch("key", 500));
  await show("touch of nothing", client.touch("missing", 500));
  await show("increment", client.increment("number", 5, { initial: 41 }));
  await show("increment", client.increment("number", 1, {}));
  await show("decrement", client.decrement("number", 100, {}));
  await show("increment of text", client.increment("key", 1, {}));
  await show("large", client.set("large", "x".repeat(1000000), {}));
  await show("get", client.get("large"));
  await show("too large", client.set("large", "x".repeat(1100000), {}));
  await show("many at once", Promise.all(Array.from({ length: 200 }, (_, i) => client.set(`key${i}`, `value${i}`, {}))));
  const values = await Promise.all(Array.from({ length: 220 }, (_, i) => client.get(`key${i}`)));
  await show("their values", values.map(({ value }) => (value === null ? null : value.toString())).join(" "));
  await show("delete", client.delete("key"));
  await show("delete of nothing", client.delete("key"));
  await show("flush", client.flush());
  await show("get", client.get("new"));
  client.close();
}

main();
