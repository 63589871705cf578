// What concerns more than one document: connections, durability, replicas, collections, scans, size, many at once.
"use strict";
const { isDeepStrictEqual } = require("node:util");
const couchbase = require("couchbase");
const { noise } = require("./noise");
const { cas, token } = require("./trial");

const { DurabilityLevel, LookupInSpec, MutateInSpec, PrefixScan, RangeScan, SamplingScan, ScanTerm } = couchbase;
const { AuthenticationFailureError, CasMismatchError, DocumentExistsError, DocumentNotFoundError } = couchbase;

async function ping(t) {
  const kv = { serviceTypes: [couchbase.ServiceType.KeyValue] };
  await t.stored("upsert, which opens the bucket", t.collection.upsert(t.key("one"), 1));
  for (const [what, operation] of [["of the bucket", t.server.bucket.ping(kv)], ["of the cluster", t.server.cluster.ping(kv)]]) {
    const endpoints = (await t.ok(what, operation)).services.kv;
    t.that(`${what}: an endpoint answers`, endpoints.length > 0 && endpoints.every(({ state }) => state === couchbase.PingState.Ok));
  }
  const diagnostics = await t.ok("diagnostics", t.server.cluster.diagnostics());
  t.that("diagnostics: connected", diagnostics.services.kv.some(({ state }) => state === couchbase.EndpointState.Connected));
}

async function password(t) {
  const { server } = t;
  await t.fails("a wrong password", server.connect({ password: `${server.password}x` }), AuthenticationFailureError);
  await t.fails("an empty password", server.connect({ password: "" }), AuthenticationFailureError);
  await t.fails("an unknown user", server.connect({ username: `${server.username}x` }), AuthenticationFailureError);
  const cluster = await t.ok("the right password", server.connect({}));
  const collection = cluster.bucket(server.bucketName).defaultCollection();
  await t.fails("it works", collection.get(t.key("one")), DocumentNotFoundError);
  await t.ok("close", cluster.close());
}

async function unknownBucket(t) {
  const { error: print } = console;
  console.error = (text, ...more) => { // the SDK prints there, sooner or later, that it cannot open the bucket
    if (!/failed to open bucket/.test(text)) print(text, ...more);
  };
  const collection = t.server.cluster.bucket(`${t.server.bucketName}x`).defaultCollection();
  await t.fails("get", collection.get("one", { timeout: 1000 }), couchbase.TimeoutError, couchbase.BucketNotFoundError);
}

async function connections(t) {
  const clusters = await t.ok("connect", Promise.all(Array.from({ length: 4 }, () => t.server.connect({}))));
  const { name, scope } = t.collection;
  const collections = clusters.map((cluster) => cluster.bucket(t.server.bucketName).scope(scope.name).collection(name));
  for (const [i, collection] of collections.entries()) await t.stored("upsert", collection.upsert(t.key(`${i}`), { i }));
  for (const i of collections.keys()) {
    const other = collections[(i + 1) % collections.length];
    await t.content("get through another connection", other.get(t.key(`${i}`)), { i });
  }
  await t.ok("close", Promise.all(clusters.map((cluster) => cluster.close())));
}

async function durability(t) {
  const { Majority, MajorityAndPersistOnMaster, PersistToMajority } = DurabilityLevel;
  const binary = t.collection.binary();
  for (const durabilityLevel of [Majority, MajorityAndPersistOnMaster, PersistToMajority]) {
    const key = t.key("one");
    const counter = t.key("counter");
    const level = { durabilityLevel };
    const first = await t.stored(`insert at ${durabilityLevel}`, t.collection.insert(key, { n: 1 }, level));
    const second = await t.stored(`upsert at ${durabilityLevel}`, t.collection.upsert(key, { n: 2 }, level));
    t.later("upsert", first, second);
    await t.stored(`replace at ${durabilityLevel}`, t.collection.replace(key, { n: 3 }, { ...level, cas: second.cas }));
    await t.stored(`mutateIn at ${durabilityLevel}`, t.collection.mutateIn(key, [MutateInSpec.increment("n", 1)], level));
    const got = await t.content("get", t.collection.get(key), { n: 4 });
    await t.fails(`insert of what is there at ${durabilityLevel}`, t.collection.insert(key, 1, level), DocumentExistsError);
    const old = { ...level, cas: first.cas };
    await t.fails(`replace with another CAS at ${durabilityLevel}`, t.collection.replace(key, 1, old), CasMismatchError);
    await t.stored(`remove at ${durabilityLevel}`, t.collection.remove(key, { ...level, cas: got.cas }));
    await t.fails(`remove of nothing at ${durabilityLevel}`, t.collection.remove(key, level), DocumentNotFoundError);
    await t.stored(`increment at ${durabilityLevel}`, binary.increment(counter, 1, { ...level, initial: 1 }));
    await t.stored(`append at ${durabilityLevel}`, binary.append(counter, "0", level));
    await t.stored(`prepend at ${durabilityLevel}`, binary.prepend(counter, "1", level));
    await t.stored(`decrement at ${durabilityLevel}`, binary.decrement(counter, 1, level));
  }
  await t.content("what became of the counter", t.collection.get(t.key("counter")), 1110999);
}

async function persistence(t) {
  const key = t.key("one");
  const persisted = { durabilityPersistTo: 1 };
  await t.stored("insert", t.collection.insert(key, { n: 1 }, persisted));
  await t.stored("upsert", t.collection.upsert(key, { n: 2 }, persisted));
  await t.stored("replace", t.collection.replace(key, { n: 3 }, persisted));
  await t.stored("mutateIn", t.collection.mutateIn(key, [MutateInSpec.upsert("n", 4)], persisted));
  await t.content("get", t.collection.get(key), { n: 4 });
  await t.stored("remove", t.collection.remove(key, persisted));
}

async function replicas(t) {
  const key = t.key("one");
  const missing = t.key("missing");
  const specs = [LookupInSpec.get("a"), LookupInSpec.exists("b")];
  const stored = await t.stored("upsert", t.collection.upsert(key, { a: 1 }));
  const any = await t.content("getAnyReplica", t.collection.getAnyReplica(key), { a: 1 });
  const [active] = (await t.ok("getAllReplicas", t.collection.getAllReplicas(key))).filter(({ isReplica }) => !isReplica);
  t.equal("getAllReplicas", active.content, { a: 1 });
  t.equal("their CAS is that of the upsert", [cas(any), cas(active)], [cas(stored), cas(stored)]);
  const looked = await t.ok("lookupInAnyReplica", t.collection.lookupInAnyReplica(key, specs));
  t.equal("lookupInAnyReplica", looked.content.map(({ value }) => value), [1, false]);
  const all = await t.ok("lookupInAllReplicas", t.collection.lookupInAllReplicas(key, specs));
  t.equal("lookupInAllReplicas", all.find(({ isReplica }) => !isReplica).content.map(({ value }) => value), [1, false]);
  await t.fails("getAnyReplica of nothing", t.collection.getAnyReplica(missing), couchbase.DocumentUnretrievableError);
  await t.fails("lookupInAnyReplica of nothing", t.collection.lookupInAnyReplica(missing, specs), couchbase.DocumentUnretrievableError);
}

// The same key is another document in each collection.
async function apart(t, one, other) {
  const key = t.key("one");
  await t.stored("insert into one", one.insert(key, { in: "one" }));
  const there = await t.stored("insert into the other", other.insert(key, { in: "other" }));
  await t.content("get from one", one.get(key), { in: "one" });
  await t.content("get from the other", other.get(key), { in: "other" });
  await t.stored("mutateIn in one", one.mutateIn(key, [MutateInSpec.upsert("n", 1)]));
  await t.stored("remove from one", one.remove(key));
  await t.fails("get of what was removed", one.get(key), DocumentNotFoundError);
  const got = await t.content("get of what was not", other.get(key), { in: "other" });
  t.equal("get of what was not: its CAS", cas(got), cas(there));
  await t.stored("remove from the other", other.remove(key));
}

async function collections(t) {
  const { bucket } = t.server;
  const unknown = bucket.scope("_default").collection("unknown");
  await t.stored("upsert through the scope", bucket.defaultScope().collection("_default").upsert(t.key("default"), { n: 1 }));
  await t.content("get through the bucket", bucket.defaultCollection().get(t.key("default")), { n: 1 });
  await t.stored("remove of it", bucket.defaultCollection().remove(t.key("default")));
  await t.fails("an unknown collection", unknown.get("one", { timeout: 1000 }), couchbase.TimeoutError, couchbase.CollectionNotFoundError);
  const nowhere = bucket.scope("unknown").collection("unknown");
  await t.fails("an unknown scope", nowhere.upsert("one", 1, { timeout: 1000 }), couchbase.ScopeNotFoundError, couchbase.TimeoutError);
  if (t.server.path) await apart(t, t.collection, bucket.defaultCollection());
}

async function scan(t) {
  const before = t.key("");
  const documents = new Map(Array.from({ length: 20 }, (_, i) => [t.key(`k${String(i).padStart(2, "0")}`), { i }]));
  const stored = new Map();
  for (const [key, value] of documents) stored.set(key, await t.stored("upsert", t.collection.upsert(key, value)));
  const ids = async (what, type, options) => {
    const found = await t.ok(what, () => t.collection.scan(type, { idsOnly: true, ...options }));
    t.that(`${what}: no contents`, found.every(({ content }) => content === undefined));
    return found.map(({ id }) => id).sort();
  };
  const from = (first, last) => [...documents.keys()].slice(first, last);
  const tokens = [...stored.values()].filter(token).map((result) => result.token);
  const consistentWith = new couchbase.MutationState(...tokens);
  t.equal("a prefix", await ids("a prefix", new PrefixScan(`${before}k`), { consistentWith }), from(0, 20));
  t.equal("part of it", await ids("part of it", new PrefixScan(`${before}k1`)), from(10, 20));
  t.equal("nothing", await ids("nothing", new PrefixScan(`${before}x`)), []);
  const [a, b] = [`${before}k05`, `${before}k08`];
  t.equal("a range", await ids("a range", new RangeScan(new ScanTerm(a), new ScanTerm(b))), from(5, 9));
  t.equal("without its ends", await ids("without its ends", new RangeScan(new ScanTerm(a, true), new ScanTerm(b, true))), from(6, 8));
  t.equal("several at once", await ids("several at once", new PrefixScan(`${before}k`), { concurrency: 8 }), from(0, 20));
  t.equal("small batches", await ids("small batches", new PrefixScan(`${before}k`), { batchByteLimit: 1 }), from(0, 20));
  const found = await t.ok("with contents", () => t.collection.scan(new PrefixScan(`${before}k`)));
  t.equal("with contents", new Map(found.map(({ id, content }) => [id, content]).sort()), documents);
  t.that("with contents: their CAS", found.every((result) => cas(result) === cas(stored.get(result.id))));
}

// A scan that is cancelled at its first result ends before all of them are there.
async function cancelled(t) {
  const keys = Array.from({ length: 100 }, (_, i) => t.key(`c${i}`));
  await t.ok("100 upserts", Promise.all(keys.map((key) => t.collection.upsert(key, { key }))));
  let found = 0;
  await t.ok("cancel", () => new Promise((resolve, reject) => {
    const running = t.collection.scan(new PrefixScan(t.key("")), { batchByteLimit: 1 });
    running.on("result", () => {
      found++;
      running.cancelStreaming();
    });
    running.on("error", reject);
    running.on("end", resolve);
  }));
  t.that(`cancel: ${found} of 100 results`, found > 0 && found < 100);
}

async function sampling(t) {
  const keys = Array.from({ length: 20 }, (_, i) => t.key(`s${i}`));
  for (const key of keys) await t.stored("upsert", t.collection.upsert(key, { key }, { expiry: 5000 }));
  const some = await t.ok("of 5", () => t.collection.scan(new SamplingScan(5, 42)));
  t.equal("of 5: how many", new Set(some.map(({ id }) => id)).size, 5);
  t.that("of 5: contents", some.every(({ id, content }) => !keys.includes(id) || content.key === id));
  const all = await t.ok("of many", () => t.collection.scan(new SamplingScan(1000), { idsOnly: true }));
  t.that("of many: all are there", keys.every((key) => all.some(({ id }) => id === key)));
  await t.fails("of none", () => t.collection.scan(new SamplingScan(0)), couchbase.InvalidArgumentError);
}

async function large(t) {
  const key = t.key("one");
  for (const [what, value] of [["bytes", noise(1e6)], ["text", "large ".repeat(2e5)], ["JSON", { list: Array(1e5).fill("item") }]]) {
    const stored = await t.stored(`upsert of ${what}`, t.collection.upsert(key, value));
    const got = await t.ok(`get of ${what}`, t.collection.get(key));
    t.that(`get of ${what}: what was stored`, isDeepStrictEqual(value, got.content));
    t.equal(`get of ${what}: its CAS`, cas(got), cas(stored));
  }
  await t.stored("mutateIn", t.collection.mutateIn(key, [MutateInSpec.replace("list[-1]", "last"), MutateInSpec.upsert("n", 1)]));
  const specs = [LookupInSpec.count("list"), LookupInSpec.get("list[99999]"), LookupInSpec.get("n")];
  const looked = await t.ok("lookupIn", t.collection.lookupIn(key, specs));
  t.equal("lookupIn", looked.content.map(({ value }) => value), [1e5, "last", 1]);
}

async function concurrent(t) {
  const all = Array.from({ length: 200 }, (_, i) => ({ key: t.key(`${i}`), value: { i, text: "x".repeat(i * 7) } }));
  const each = (act) => Promise.all(all.map(act));
  await t.ok("200 upserts", each(({ key, value }) => t.collection.upsert(key, value)));
  const got = await t.ok("200 gets", each(({ key }) => t.collection.get(key)));
  t.equal("200 gets", got.map(({ content }) => content), all.map(({ value }) => value));
  await t.ok("200 mutateIns", each(({ key, value: { i } }) => t.collection.mutateIn(key, [MutateInSpec.increment("i", i + 1)])));
  const looked = await t.ok("200 lookupIns", each(({ key }) => t.collection.lookupIn(key, [LookupInSpec.get("i")])));
  t.equal("200 lookupIns", looked.map(({ content: [{ value }] }) => value), all.map((_, i) => 2 * i + 1));
  await t.ok("200 removes", each(({ key }) => t.collection.remove(key)));
  const there = await t.ok("200 exists", each(({ key }) => t.collection.exists(key)));
  t.that("200 exists: none", there.every(({ exists }) => !exists));
}

// Adds one, again and again until nobody was faster.
async function addedOne(collection, key) {
  for (;;) {
    const { content, cas: seen } = await collection.get(key);
    try {
      return await collection.replace(key, { n: content.n + 1 }, { cas: seen });
    } catch (error) {
      if (!(error instanceof CasMismatchError)) throw error;
    }
  }
}

async function contended(t) {
  const [counter, document, raced] = [t.key("counter"), t.key("document"), t.key("raced")];
  const times = (count, act) => Promise.all(Array.from({ length: count }, act));
  const counted = await t.ok("100 increments", times(100, () => t.collection.binary().increment(counter, 1, { initial: 1 })));
  const counts = counted.map(({ value }) => value).sort((a, b) => a - b);
  t.equal("100 increments: each its own value", counts, Array.from({ length: 100 }, (_, i) => i + 1));
  await t.stored("upsert", t.collection.upsert(document, { n: 0 }));
  await t.ok("20 additions by CAS", times(20, () => addedOne(t.collection, document)));
  await t.content("none of them is lost", t.collection.get(document), { n: 20 });
  await t.ok("50 counters inside", times(50, () => t.collection.mutateIn(document, [MutateInSpec.increment("n", 1)])));
  await t.content("none of them is lost", t.collection.get(document), { n: 70 });
  const ends = await t.ok("30 inserts", Promise.allSettled(Array.from({ length: 30 }, (_, i) => t.collection.insert(raced, { i }))));
  const won = ends.flatMap(({ status }, i) => (status === "fulfilled" ? [i] : []));
  t.equal("30 inserts: one of them", won.length, 1);
  t.that("30 inserts: the others", ends.every(({ reason }) => !reason || reason instanceof DocumentExistsError));
  await t.content("the one that won", t.collection.get(raced), { i: won[0] });
}

async function structures(t) {
  const [list, map, queue, set] = [t.collection.list(t.key("list")), t.collection.map(t.key("map")),
                                   t.collection.queue(t.key("queue")), t.collection.set(t.key("set"))];
  for (const value of ["b", "c"]) await t.ok("list: push", list.push(value));
  await t.ok("list: unshift", list.unshift("a"));
  t.equal("list", [await t.ok("list: getAt", list.getAt(1)), await t.ok("list: size", list.size())], ["b", 3]);
  await t.ok("list: removeAt", list.removeAt(0));
  t.equal("list: getAll", await t.ok("list: getAll", list.getAll()), ["b", "c"]);
  await t.ok("map: set", map.set("x", 1));
  await t.ok("map: set", map.set("y", [2]));
  t.equal("map", [await t.ok("map: get", map.get("y")), await t.ok("map: exists", map.exists("z"))], [[2], false]);
  await t.ok("map: remove", map.remove("x"));
  t.equal("map: getAll", await t.ok("map: getAll", map.getAll()), { y: [2] });
  for (const value of [1, 2, 3]) await t.ok("queue: push", queue.push(value));
  t.equal("queue", [await t.ok("queue: pop", queue.pop()), await t.ok("queue: pop", queue.pop())], [1, 2]);
  t.equal("set", [await t.ok("set: add", set.add("a")), await t.ok("set: add again", set.add("a"))], [true, false]);
  await t.ok("set: add", set.add(5));
  t.equal("set: contains", await t.ok("set: contains", set.contains(5)), true);
  await t.ok("set: remove", set.remove("a"));
  t.equal("set: values", await t.ok("set: values", set.values()), [5]);
}

module.exports = {
  ping, password, "unknown-bucket": unknownBucket, connections, durability, persistence, replicas, collections, scan,
  "scan-cancel": cancelled, sampling, large, concurrent, contended, structures,
};
