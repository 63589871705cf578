#!/usr/bin/env node
// One operation of Couchbase's SDK after another, whatever each comes to: for servers that know a part of them, and for
// connections that lack a feature. Most documents are JSON in strings, as the SDK says of others that they are JSON
// also where the server has not agreed to be told so. What is documented is for couchbase_client.js to say; this says what
// came.
"use strict";
const couchbase = require("couchbase");
const { functionsOf } = require("./couchbase/trial");

const { DurabilityLevel, LookupInMacro, LookupInSpec, MutateInMacro, MutateInSpec, StoreSemantics } = couchbase;
const USAGE = "usage: couchbase_tour.js HOST:PORT USER PASSWORD BUCKET [OPTIONS-OF-THE-CONNECTION-STRING]\n";
const BRIEFLY = { timeout: 150 }; // milliseconds, where the SDK asks again and again
const SHORTLY = { timeout: 1500 };

class Tour {
  constructor(cluster, bucket) {
    Object.assign(this, { cluster, collection: bucket.defaultCollection(), bucket, went: 0, failed: 0 });
  }

  // Its result, or its error.
  async step(what, operation) {
    try {
      const result = await operation();
      this.went++;
      console.log(`${what}: done`);
      return result;
    } catch (error) {
      this.failed++;
      console.log(`${what}: ${error.constructor.name}`);
      return error;
    }
  }
}

async function documents(t) {
  const { collection: c } = t;
  await t.step("get of nothing", () => c.get("document", SHORTLY));
  await t.step("exists of nothing", () => c.exists("document", SHORTLY));
  const first = await t.step("insert", () => c.insert("document", '{"n":1,"text":"plain"}', SHORTLY));
  await t.step("insert again", () => c.insert("document", '{"n":2}', SHORTLY));
  await t.step("get", () => c.get("document", SHORTLY));
  await t.step("exists", () => c.exists("document", SHORTLY));
  const second = await t.step("upsert", () => c.upsert("document", '{"n":2,"list":[1,2,3]}', SHORTLY));
  await t.step("replace with an old CAS", () => c.replace("document", '{"n":3}', { ...SHORTLY, cas: first.cas }));
  const third = await t.step("replace with its CAS", () => c.replace("document", '{"n":3}', { ...SHORTLY, cas: second.cas }));
  await t.step("replace", () => c.replace("document", '[1,2,3]', SHORTLY));
  await t.step("replace of nothing", () => c.replace("nothing", "1", SHORTLY));
  await t.step("get of an array", () => c.get("document", SHORTLY));
  await t.step("remove with an old CAS", () => c.remove("document", { ...SHORTLY, cas: third.cas }));
  await t.step("remove", () => c.remove("document", SHORTLY));
  await t.step("remove of nothing", () => c.remove("document", SHORTLY));
  await t.step("get of what was removed", () => c.get("document", SHORTLY));
  await t.step("insert of what was removed", () => c.insert("document", "text", SHORTLY));
  await t.step("get of a text", () => c.get("document", SHORTLY));
}

async function values(t) {
  const { collection: c } = t;
  const some = { object: {}, array: [], number: -12.5, yes: true, nothing: null, text: "", bytes: Buffer.from([0, 255, 13]),
                 none: Buffer.alloc(0), long: "compressible ".repeat(30), "w i t h": { blanks: [" "] } };
  for (const [key, value] of Object.entries(some)) {
    await t.step(`upsert of ${key}`, () => c.upsert(`value ${key}`, value, SHORTLY));
    await t.step(`get of ${key}`, () => c.get(`value ${key}`, SHORTLY));
  }
}

async function counters(t) {
  const { collection: c } = t;
  const binary = c.binary();
  await t.step("increment of nothing", () => binary.increment("counter", 1, SHORTLY));
  await t.step("increment with an initial value", () => binary.increment("counter", 1, { ...SHORTLY, initial: 10 }));
  for (const by of [1, 7, 1000000]) await t.step(`increment by ${by}`, () => binary.increment("counter", by, SHORTLY));
  await t.step("decrement", () => binary.decrement("counter", 8, SHORTLY));
  await t.step("get of a counter", () => c.get("counter", SHORTLY));
  await t.step("decrement with an initial value", () => binary.decrement("other counter", 1, { ...SHORTLY, initial: 5 }));
  await t.step("upsert of a text", () => c.upsert("counter", "text", SHORTLY));
  await t.step("increment of a text", () => binary.increment("counter", 1, SHORTLY));
}

async function pieces(t) {
  const { collection: c } = t;
  const binary = c.binary();
  const transcoder = new couchbase.RawStringTranscoder();
  await t.step("append to nothing", () => binary.append("pieces", "x", SHORTLY));
  await t.step("prepend to nothing", () => binary.prepend("pieces", "x", SHORTLY));
  const first = await t.step("upsert of a piece", () => c.upsert("pieces", "middle", { ...SHORTLY, transcoder }));
  const second = await t.step("append", () => binary.append("pieces", " end", SHORTLY));
  await t.step("append with an old CAS", () => binary.append("pieces", "x", { ...SHORTLY, cas: first.cas }));
  await t.step("prepend with its CAS", () => binary.prepend("pieces", "begin ", { ...SHORTLY, cas: second.cas }));
  await t.step("get of the pieces", () => c.get("pieces", { ...SHORTLY, transcoder }));
}

async function times(t) {
  const { collection: c } = t;
  await t.step("touch of nothing", () => c.touch("timed", 100, SHORTLY));
  await t.step("getAndTouch of nothing", () => c.getAndTouch("timed", 100, SHORTLY));
  await t.step("upsert with an expiry", () => c.upsert("timed", '{"n":1}', { ...SHORTLY, expiry: 1000 }));
  await t.step("touch", () => c.touch("timed", 2000, SHORTLY));
  await t.step("upsert for getAndTouch", () => c.upsert("got", "text", SHORTLY));
  await t.step("getAndTouch", () => c.getAndTouch("got", 3000, SHORTLY));
  await t.step("get of what was touched", () => c.get("got", SHORTLY));
  await t.step("upsert that keeps it", () => c.upsert("timed", '{"n":2}', { ...SHORTLY, preserveExpiry: true }));
}

// One thing each is done to a document that is locked, as the SDK repeats it.
async function locks(t) {
  const { collection: c } = t;
  const specs = [MutateInSpec.upsert("a", 1)];
  const trials = {
    getAndLock: (key) => c.getAndLock(key, 15, BRIEFLY),
    get: (key) => c.get(key, SHORTLY),
    upsert: (key) => c.upsert(key, "other", BRIEFLY),
    remove: (key) => c.remove(key, BRIEFLY),
    insert: (key) => c.insert(key, "other", BRIEFLY),
    touch: (key) => c.touch(key, 100, BRIEFLY),
    append: (key) => c.binary().append(key, "other", BRIEFLY),
    increment: (key) => c.binary().increment(key, 1, BRIEFLY),
    mutateIn: (key) => c.mutateIn(key, specs, BRIEFLY),
    "unlock with another CAS": (key, held, before) => c.unlock(key, before.cas, BRIEFLY),
    "upsert with the lock's CAS": (key, held) => c.replace(key, "other", { ...SHORTLY, cas: held.cas }),
    "remove with the lock's CAS": (key, held) => c.remove(key, { ...SHORTLY, cas: held.cas }),
    unlock: (key, held) => c.unlock(key, held.cas, BRIEFLY),
  };
  await t.step("getAndLock of nothing", () => c.getAndLock("locked", 15, BRIEFLY));
  const free = await t.step("upsert of what is not locked", () => c.upsert("free", "text", SHORTLY));
  await t.step("unlock of what is not locked", () => c.unlock("free", free.cas, BRIEFLY));
  for (const [what, trial] of Object.entries(trials)) {
    const key = `locked ${what}`;
    const before = await t.step(`upsert before ${what}`, () => c.upsert(key, "7", SHORTLY));
    const held = await t.step(`getAndLock before ${what}`, () => c.getAndLock(key, 15, BRIEFLY));
    await t.step(`${what} of what is locked`, () => trial(key, held, before));
  }
  await t.step("get of what was unlocked", () => c.get("locked unlock", SHORTLY));
}

async function lookups(t) {
  const { collection: c } = t;
  const looks = (what, specs) => t.step(what, () => c.lookupIn("parts", specs, SHORTLY));
  const { count, exists, get } = functionsOf(LookupInSpec);
  await looks("lookup in nothing", [get("a")]);
  const parts = '{"a":1,"b":{"c":["x",{"d":"y"},[7,8]]},"list":[],"t":true}';
  await t.step("insert of parts", () => c.insert("parts", parts, SHORTLY));
  await looks("gets", [get("a"), get("b.c[1].d"), get("b.c[2]"), get("t")]);
  await looks("get of the last", [get("b.c[-1]")]);
  await looks("exist", [exists("a"), exists("b.c[0]")]);
  await looks("do not all exist", [exists("a"), exists("z"), get("b.c[9]")]);
  await looks("counts", [count("b.c"), count("list"), count("b")]);
  await looks("do not fit", [get("a.x"), get("b.x"), count("a")]);
  await looks("is no path", [get("a..b")]);
  await looks("get of all", [get("")]);
  await t.step("get of some members", () => c.get("parts", { ...SHORTLY, project: ["a", "list"] }));
  await looks("an attribute that is not there", [get("meta", { xattr: true })]);
}

async function mutations(t) {
  const { collection: c } = t;
  const changes = (what, specs, options) => t.step(what, () => c.mutateIn("parts", specs, { ...SHORTLY, ...options }));
  const { arrayAddUnique, arrayAppend, arrayInsert, arrayPrepend, decrement, increment, insert, remove, replace, upsert } =
    functionsOf(MutateInSpec);
  await changes("insert of a member", [insert("m", { n: [] })]);
  await changes("upsert of two members", [upsert("a", "one"), upsert("g", null)]);
  await changes("replace of elements", [replace("b.c[0]", false), replace("m", 2)]);
  await changes("remove of a member", [remove("g")]);
  await changes("parents", [upsert("p.q.r", 1, { createPath: true })]);
  await changes("append to a list", [arrayAppend("list", 3), arrayAppend("list", [4, 5], { multi: true })]);
  await changes("insert into a list", [arrayInsert("list[1]", 2)]);
  await changes("add what is there", [arrayAddUnique("list", 3)]);
  await changes("counters", [increment("n", 5), decrement("n", 7)]);
  await changes("a counter among others", [upsert("x", 1), increment("n", 1)]);
  await t.step("get of the parts", () => c.get("parts", SHORTLY));
  await changes("insert of what is there", [insert("a", 1)]);
  await changes("replace of nothing", [upsert("b.z", 1), replace("zz", 1)]);
  await changes("no parents", [upsert("y.z", 1)]);
  await changes("counter of a text", [increment("a", 1)]);
  await changes("an attribute", [upsert("meta", { by: "tour" }, { xattr: true, createPath: true })]);
  await changes("with an expiry", [upsert("x", 2)], { expiry: 1000 });
  await changes("insert of what is there already", [upsert("x", 2)], { storeSemantics: StoreSemantics.Insert });
  await t.step("mutateIn of nothing", () => c.mutateIn("no parts", [upsert("x", 2)], SHORTLY));
  const made = { ...SHORTLY, storeSemantics: StoreSemantics.Upsert };
  await t.step("mutateIn that makes it", () => c.mutateIn("no parts", [upsert("x", 2)], made));
  await t.step("get of what it made", () => c.get("no parts", SHORTLY));
  await t.step("get of what has attributes", () => c.get("parts", SHORTLY));
  await t.step("an attribute of parts", () => c.lookupIn("parts", [LookupInSpec.get("meta.by", { xattr: true })], SHORTLY));
}

// What a server may do otherwise comes last, for each with a document of its own.
async function oddities(t) {
  const { collection: c } = t;
  const { arrayAddUnique, arrayAppend, arrayPrepend, increment, replace, upsert } = functionsOf(MutateInSpec);
  const { get } = functionsOf(LookupInSpec);
  const odd = async (what, text, specs) => {
    await t.step(`upsert before ${what}`, () => c.upsert(`odd ${what}`, text, SHORTLY));
    await t.step(what, () => c.mutateIn(`odd ${what}`, specs, SHORTLY));
    await t.step(`get after ${what}`, () => c.get(`odd ${what}`, SHORTLY));
  };
  await odd("append to a list", '{"list":[1,2]}', [arrayAppend("list", 3)]);
  await odd("prepend to a list", '{"list":[2,3]}', [arrayPrepend("list", 1)]);
  await odd("add to a list", '{"list":[1,2]}', [arrayAddUnique("list", 3)]);
  await odd("blanks between members", '{ "a" : 1, "b" : [ 1, 2 ] }', [upsert("c", 2)]);
  await odd("a number in another form", '{"a":1.50,"b":1e2}', [upsert("c", 2)]);
  await odd("a counter of a fraction", '{"a":1.5}', [increment("a", 1)]);
  await odd("replace of a whole document", '{"a":1}', [replace("", { whole: true })]);
  await t.step("upsert before a virtual attribute", () => c.upsert("odd virtual", '{"a":1}', SHORTLY));
  await t.step("a virtual attribute", () => c.lookupIn("odd virtual", [get(LookupInMacro.Cas)], SHORTLY));
  await t.step("upsert before its expiry", () => c.upsert("odd expiry", '{"a":1}', SHORTLY));
  await t.step("get with its expiry", () => c.get("odd expiry", { ...SHORTLY, withExpiry: true }));
  await t.step("insert before a macro", () => c.insert("odd macro", '{"a":1}', SHORTLY));
  const macro = [upsert("meta.cas", MutateInMacro.Cas, { createPath: true })];
  await t.step("a macro", () => c.mutateIn("odd macro", macro, SHORTLY));
  await t.step("what became of the macro", () => c.lookupIn("odd macro", [get("meta.cas", { xattr: true })], SHORTLY));
  await t.step("decrement below 0", () => c.binary().decrement("counter below 0", 5, { ...SHORTLY, initial: 3 }));
  await t.step("decrement below 0 again", () => c.binary().decrement("counter below 0", 5, SHORTLY));
  await t.step("get of a counter below 0", () => c.get("counter below 0", SHORTLY));
}

async function others(t) {
  const { collection: c } = t;
  const upsert = (what, options) => t.step(what, () => c.upsert("other", '{"n":1}', { ...SHORTLY, ...options }));
  await upsert("upsert that is persisted", { durabilityPersistTo: 1 });
  await upsert("upsert of majority", { durabilityLevel: DurabilityLevel.Majority });
  await t.step("getAnyReplica", () => c.getAnyReplica("other", SHORTLY));
  await t.step("getAllReplicas", () => c.getAllReplicas("other", SHORTLY));
  const hotels = t.bucket.scope("inventory").collection("hotels");
  await t.step("upsert into another collection", () => hotels.upsert("other", '{"n":2}', BRIEFLY));
  await t.step("get of another collection", () => hotels.get("other", BRIEFLY));
  await t.step("scan", () => c.scan(new couchbase.PrefixScan("value"), SHORTLY));
  await t.step("ping", () => t.bucket.ping({ serviceTypes: [couchbase.ServiceType.KeyValue] }));
}

async function main() {
  const [host, username, password, name, options] = process.argv.slice(2);
  if (!name) {
    process.stderr.write(USAGE);
    return 2;
  }
  const cluster = await couchbase.connect(`couchbase://${host}${options ? `?${options}` : ""}`, { username, password });
  const t = new Tour(cluster, cluster.bucket(name));
  for (const part of [documents, counters, pieces, lookups, mutations, locks, values, times, oddities, others]) await part(t);
  await cluster.close();
  console.log(`${t.went + t.failed} operations, ${t.failed} ended in an error`);
  return 0;
}

main().then(process.exit, (error) => {
  console.log(`connecting: ${error.message}`);
  process.exit(1);
});
