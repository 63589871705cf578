// Operations on whole documents.
"use strict";
const couchbase = require("couchbase");
const { cas } = require("./trial");

const { CasMismatchError, DocumentExistsError, DocumentNotFoundError, InvalidArgumentError } = couchbase;
const DOCUMENT = { name: "Zoë", age: 41, tags: ["a", "b"], address: { city: "Łódź", zip: null }, ok: true };
const DAY = 24 * 60 * 60;

async function get(t) {
  const key = t.key("one");
  await t.fails("get of nothing", t.collection.get(key), DocumentNotFoundError);
  const stored = await t.stored("upsert", t.collection.upsert(key, DOCUMENT));
  const got = await t.content("get", t.collection.get(key), DOCUMENT);
  t.equal("get: the CAS is that of the upsert", cas(got), cas(stored));
  const again = await t.content("get again", t.collection.get(key), DOCUMENT);
  t.equal("get again: the CAS is the same", cas(again), cas(got));
}

async function keys(t) {
  for (const name of ["with space", "käse/ключ/鍵", "\u0001\u007f", "k".repeat(200)]) {
    const key = t.key(name);
    await t.stored(`upsert of ${JSON.stringify(name)}`, t.collection.upsert(key, name));
    await t.content(`get of ${JSON.stringify(name)}`, t.collection.get(key), name);
  }
  await t.fails("get of an empty key", t.collection.get(""), InvalidArgumentError);
  await t.fails("upsert of an empty key", t.collection.upsert("", 1), InvalidArgumentError);
  await t.fails("get of a key of 251 letters", t.collection.get("k".repeat(251)), InvalidArgumentError);
}

async function values(t) {
  const some = {
    "an object": DOCUMENT, "an empty object": {}, "an array": [1, "two", [3], { four: 4 }], "a number": -12.5,
    "a large number": 9007199254740991, "true": true, "null": null, "text": "just text", "empty text": "",
    "text that looks like JSON": '{"a":1}', "bytes": Buffer.from([0, 255, 13, 10, 128]), "no bytes": Buffer.alloc(0),
  };
  for (const [name, value] of Object.entries(some)) {
    await t.stored(`upsert of ${name}`, t.collection.upsert(t.key(name), value));
    await t.content(`get of ${name}`, t.collection.get(t.key(name)), value);
  }
}

async function transcoders(t) {
  const text = '{ "spaced" : [ 1,2 ] }';
  const cases = [
    ["raw JSON", new couchbase.RawJsonTranscoder(), text, Buffer.from(text)],
    ["raw text", new couchbase.RawStringTranscoder(), "plain ✓", "plain ✓"],
    ["raw bytes", new couchbase.RawBinaryTranscoder(), Buffer.from("\0\x01"), Buffer.from("\0\x01")],
  ];
  for (const [name, transcoder, value, expected] of cases) {
    await t.stored(`upsert of ${name}`, t.collection.upsert(t.key(name), value, { transcoder }));
    await t.content(`get of ${name}`, t.collection.get(t.key(name), { transcoder }), expected);
  }
  await t.content("get of raw JSON as JSON", t.collection.get(t.key("raw JSON")), { spaced: [1, 2] });
}

async function exists(t) {
  const key = t.key("one");
  const before = await t.ok("exists of nothing", t.collection.exists(key));
  t.equal("exists of nothing", before.exists, false);
  const stored = await t.stored("upsert", t.collection.upsert(key, DOCUMENT));
  const there = await t.ok("exists", t.collection.exists(key));
  t.equal("exists", [there.exists, cas(there)], [true, cas(stored)]);
  await t.stored("remove", t.collection.remove(key));
  const after = await t.ok("exists of what was removed", t.collection.exists(key));
  t.equal("exists of what was removed", after.exists, false);
}

async function insert(t) {
  const key = t.key("one");
  const first = await t.stored("insert", t.collection.insert(key, DOCUMENT));
  await t.fails("insert of what is there", t.collection.insert(key, { other: 1 }), DocumentExistsError);
  const got = await t.content("get", t.collection.get(key), DOCUMENT);
  t.equal("get: the CAS is that of the insert", cas(got), cas(first));
  t.later("remove", first, await t.stored("remove", t.collection.remove(key)));
  const second = await t.stored("insert of what was removed", t.collection.insert(key, { again: true }, { expiry: 1000 }));
  t.later("insert of what was removed", first, second);
  await t.expires("its expiry", key, 1000);
}

async function upsert(t) {
  const key = t.key("one");
  const first = await t.stored("upsert of nothing", t.collection.upsert(key, { n: 1 }));
  const second = await t.stored("upsert of what is there", t.collection.upsert(key, { n: 2 }));
  t.later("upsert of what is there", first, second);
  await t.content("get", t.collection.get(key), { n: 2 });
  const third = await t.stored("upsert of the same value", t.collection.upsert(key, { n: 2 }));
  t.later("upsert of the same value", second, third);
  await t.stored("upsert of text in place of JSON", t.collection.upsert(key, "text"));
  await t.content("get of the text", t.collection.get(key), "text");
}

async function replace(t) {
  const key = t.key("one");
  await t.fails("replace of nothing", t.collection.replace(key, { n: 0 }), DocumentNotFoundError);
  const first = await t.stored("upsert", t.collection.upsert(key, { n: 1 }));
  await t.fails("replace of nothing, with a CAS", t.collection.replace(t.key("other"), 1, { cas: first.cas }), DocumentNotFoundError);
  const second = await t.stored("replace", t.collection.replace(key, { n: 2 }));
  t.later("replace", first, second);
  await t.fails("replace with the CAS of before", t.collection.replace(key, { n: 3 }, { cas: first.cas }), CasMismatchError);
  await t.content("get", t.collection.get(key), { n: 2 });
  const third = await t.stored("replace with its CAS", t.collection.replace(key, { n: 4 }, { cas: second.cas }));
  t.later("replace with its CAS", second, third);
  const got = await t.content("get", t.collection.get(key), { n: 4 });
  t.equal("get: the CAS is that of the replace", cas(got), cas(third));
}

async function remove(t) {
  const key = t.key("one");
  await t.fails("remove of nothing", t.collection.remove(key), DocumentNotFoundError);
  const first = await t.stored("upsert", t.collection.upsert(key, 1));
  const second = await t.stored("upsert", t.collection.upsert(key, 2));
  await t.fails("remove with the CAS of before", t.collection.remove(key, { cas: first.cas }), CasMismatchError);
  t.later("remove with its CAS", second, await t.stored("remove with its CAS", t.collection.remove(key, { cas: second.cas })));
  await t.fails("get of what was removed", t.collection.get(key), DocumentNotFoundError);
  await t.fails("remove of what was removed", t.collection.remove(key), DocumentNotFoundError);
  await t.fails("replace of what was removed", t.collection.replace(key, 3), DocumentNotFoundError);
}

async function touch(t) {
  const key = t.key("one");
  await t.fails("touch of nothing", t.collection.touch(key, 10), DocumentNotFoundError);
  await t.stored("upsert", t.collection.upsert(key, DOCUMENT));
  await t.expires("no expiry", key, 0);
  const touched = await t.ok("touch", t.collection.touch(key, 2000));
  const got = await t.expires("the expiry of touch", key, 2000);
  t.equal("touch: its CAS is the document's", cas(touched), cas(got));
  await t.content("the content stays", t.collection.get(key), DOCUMENT);
  await t.ok("touch with a date", t.collection.touch(key, new Date(Date.now() + 60 * DAY * 1000)));
  await t.expires("the date", key, 60 * DAY);
  await t.ok("touch with 0", t.collection.touch(key, 0));
  await t.expires("no expiry any more", key, 0);
  await t.ok("touch with 1 second", t.collection.touch(key, 1));
  await t.vanishes("the document expires", key);
}

async function getAndTouch(t) {
  const key = t.key("one");
  await t.fails("getAndTouch of nothing", t.collection.getAndTouch(key, 10), DocumentNotFoundError);
  await t.stored("upsert", t.collection.upsert(key, DOCUMENT, { expiry: 500 }));
  const touched = await t.content("getAndTouch", t.collection.getAndTouch(key, 3000), DOCUMENT);
  const got = await t.expires("its expiry", key, 3000);
  t.equal("getAndTouch: its CAS is the document's", cas(touched), cas(got));
  await t.content("getAndTouch with 0", t.collection.getAndTouch(key, 0), DOCUMENT);
  await t.expires("no expiry any more", key, 0);
}

async function lock(t) {
  const key = t.key("one");
  await t.fails("getAndLock of nothing", t.collection.getAndLock(key, 5), DocumentNotFoundError);
  const stored = await t.stored("upsert", t.collection.upsert(key, DOCUMENT));
  const held = await t.content("getAndLock", t.collection.getAndLock(key, 30), DOCUMENT);
  t.that("getAndLock: the CAS is the lock's own", cas(held) !== cas(stored));
  const briefly = { timeout: 500 };
  await t.locked("getAndLock of what is locked", t.collection.getAndLock(key, 30, briefly));
  await t.locked("upsert of what is locked", t.collection.upsert(key, 1, briefly));
  await t.locked("replace with the CAS of before", t.collection.replace(key, 1, { ...briefly, cas: stored.cas }));
  await t.locked("remove of what is locked", t.collection.remove(key, briefly));
  await t.locked("touch of what is locked", t.collection.touch(key, 10, briefly));
  await t.locked("mutateIn of what is locked", t.collection.mutateIn(key, [couchbase.MutateInSpec.upsert("a", 1)], briefly));
  await t.fails("insert of what is locked", t.collection.insert(key, 1, briefly), DocumentExistsError);
  const seen = await t.content("get of what is locked", t.collection.get(key), DOCUMENT);
  t.that("get of what is locked: it does not tell the lock's CAS", cas(seen) !== cas(held));
  const replaced = await t.stored("replace with the lock's CAS", t.collection.replace(key, { n: 1 }, { cas: held.cas }));
  t.later("replace with the lock's CAS", stored, replaced);
  await t.stored("upsert of what is not locked any more", t.collection.upsert(key, { n: 2 }));
}

async function unlock(t) {
  const key = t.key("one");
  const stored = await t.stored("upsert", t.collection.upsert(key, DOCUMENT));
  await t.fails("unlock of nothing", t.collection.unlock(t.key("missing"), stored.cas), DocumentNotFoundError);
  await t.fails("unlock of what is not locked", t.collection.unlock(key, stored.cas), couchbase.DocumentNotLockedError);
  const held = await t.content("getAndLock", t.collection.getAndLock(key, 30), DOCUMENT);
  await t.fails("unlock with another CAS", t.collection.unlock(key, stored.cas), CasMismatchError);
  await t.ok("unlock", t.collection.unlock(key, held.cas));
  const got = await t.content("get", t.collection.get(key), DOCUMENT);
  t.equal("get: the CAS is that of before the lock", cas(got), cas(stored));
  const again = await t.content("getAndLock for 1 second", t.collection.getAndLock(key, 1), DOCUMENT);
  t.that("getAndLock again: the CAS is another one", cas(again) !== cas(held));
  await t.stored("upsert waits for the lock's end", t.collection.upsert(key, { n: 1 }));
}

async function append(t) {
  const key = t.key("one");
  const transcoder = new couchbase.RawStringTranscoder();
  const binary = t.collection.binary();
  await t.fails("append to nothing", binary.append(key, "x"), DocumentNotFoundError);
  await t.fails("prepend to nothing", binary.prepend(key, "x"), DocumentNotFoundError);
  const first = await t.stored("upsert", t.collection.upsert(key, "middle", { transcoder, expiry: 4000 }));
  const second = await t.stored("append", binary.append(key, " end"));
  t.later("append", first, second);
  const third = await t.stored("prepend", binary.prepend(key, "begin "));
  t.later("prepend", second, third);
  await t.content("get", t.collection.get(key, { transcoder }), "begin middle end");
  await t.fails("append with the CAS of before", binary.append(key, "x", { cas: first.cas }), CasMismatchError);
  await t.fails("prepend with the CAS of before", binary.prepend(key, "x", { cas: first.cas }), CasMismatchError);
  await t.stored("append with its CAS", binary.append(key, Buffer.from("!"), { cas: third.cas }));
  await t.content("get", t.collection.get(key, { transcoder }), "begin middle end!");
  await t.expires("the expiry stays", key, 4000);
}

async function counters(t) {
  const key = t.key("one");
  const binary = t.collection.binary();
  const counted = async (what, operation, expected) => {
    const result = await t.stored(what, operation);
    t.equal(what, result.value, expected);
    return result;
  };
  await t.fails("increment of nothing", binary.increment(key, 1), DocumentNotFoundError);
  await t.fails("decrement of nothing", binary.decrement(key, 1), DocumentNotFoundError);
  const first = await counted("increment with an initial value", binary.increment(key, 5, { initial: 40, expiry: 5000 }), 40);
  const second = await counted("increment", binary.increment(key, 2, { initial: 7 }), 42);
  t.later("increment", first, second);
  await counted("decrement", binary.decrement(key, 12), 30);
  await counted("decrement stops at 0", binary.decrement(key, 1000), 0);
  await counted("increment by much", binary.increment(key, 9007199254740991), 9007199254740991);
  await t.content("get", t.collection.get(key), 9007199254740991);
  await t.expires("the expiry stays", key, 5000);
  await counted("decrement with an initial value", binary.decrement(t.key("other"), 5, { initial: 3 }), 3);
  await t.stored("upsert of a number", t.collection.upsert(key, 99));
  await counted("increment of it", binary.increment(key, 1), 100);
  await t.stored("upsert of text", t.collection.upsert(key, "text"));
  await t.fails("increment of text", binary.increment(key, 1), couchbase.DeltaInvalidError);
  await t.fails("decrement of text", binary.decrement(key, 1), couchbase.DeltaInvalidError);
}

async function expiry(t) {
  const key = t.key("one");
  await t.stored("upsert with an expiry", t.collection.upsert(key, DOCUMENT, { expiry: 100 }));
  const got = await t.content("get with its expiry", t.collection.get(key, { withExpiry: true }), DOCUMENT);
  t.near("get with its expiry", got.expiryTime, 100);
  await t.stored("upsert with one of 40 days", t.collection.upsert(key, 1, { expiry: 40 * DAY }));
  await t.expires("40 days", key, 40 * DAY);
  await t.stored("upsert with a date", t.collection.upsert(key, 1, { expiry: new Date(Date.now() + 7000 * 1000) }));
  await t.expires("the date", key, 7000);
  await t.stored("replace with another", t.collection.replace(key, { n: 1 }, { expiry: 200 }));
  await t.expires("the other", key, 200);
  await t.stored("upsert without one", t.collection.upsert(key, { n: 1 }));
  await t.expires("none", key, 0);
  await t.stored("mutateIn with one", t.collection.mutateIn(key, [couchbase.MutateInSpec.upsert("m", 1)], { expiry: 300 }));
  await t.expires("that of mutateIn", key, 300);
  await t.stored("upsert with 1 second", t.collection.upsert(key, 1, { expiry: 1 }));
  await t.vanishes("the document expires", key);
  await t.fails("get of what expired", t.collection.get(key), DocumentNotFoundError);
  await t.stored("insert of what expired", t.collection.insert(key, 2));
}

async function preserveExpiry(t) {
  const key = t.key("one");
  const keep = { preserveExpiry: true };
  const change = [couchbase.MutateInSpec.upsert("n", 2)];
  await t.stored("upsert with an expiry", t.collection.upsert(key, { n: 1 }, { expiry: 1000 }));
  await t.stored("upsert that keeps it", t.collection.upsert(key, { n: 2 }, keep));
  await t.expires("kept by upsert", key, 1000);
  await t.stored("replace that keeps it", t.collection.replace(key, { n: 3 }, keep));
  await t.expires("kept by replace", key, 1000);
  await t.stored("mutateIn that keeps it", t.collection.mutateIn(key, change, keep));
  await t.expires("kept by mutateIn", key, 1000);
  await t.stored("upsert that keeps it and brings another", t.collection.upsert(key, { n: 4 }, { ...keep, expiry: 50 }));
  await t.expires("kept by upsert with another", key, 1000);
  await t.stored("mutateIn that does not keep it", t.collection.mutateIn(key, change));
  await t.expires("gone", key, 0);
  await t.stored("upsert of nothing, with both", t.collection.upsert(t.key("new"), 1, { ...keep, expiry: 600 }));
  await t.expires("taken by a new document", t.key("new"), 600);
}

async function projections(t) {
  const key = t.key("one");
  const document = { a: 1, b: { c: { d: [10, 20, 30] }, e: "f" }, g: null, h: false };
  for (let i = 0; i < 20; i++) document[`n${i}`] = i;
  const stored = await t.stored("upsert", t.collection.upsert(key, document, { expiry: 800 }));
  const got = await t.content("one member", t.collection.get(key, { project: ["a"] }), { a: 1 });
  t.equal("one member: the CAS is that of the upsert", cas(got), cas(stored));
  await t.content("nested", t.collection.get(key, { project: ["b.c", "h"] }), { b: { c: { d: [10, 20, 30] } }, h: false });
  await t.content("null", t.collection.get(key, { project: ["g"] }), { g: null });
  await t.content("what is not there is left out", t.collection.get(key, { project: ["missing", "a"] }), { a: 1 });
  const many = Array.from({ length: 20 }, (_, i) => `n${i}`);
  await t.content("more than 16", t.collection.get(key, { project: many }), Object.fromEntries(many.map((n, i) => [n, i])));
  const both = await t.content("with expiry", t.collection.get(key, { project: ["b.e"], withExpiry: true }), { b: { e: "f" } });
  t.near("with expiry", both.expiryTime, 800);
  await t.content("all with expiry", t.collection.get(key, { withExpiry: true }), document);
  await t.fails("of nothing", t.collection.get(t.key("missing"), { project: ["a"] }), DocumentNotFoundError);
}

async function compression(t) {
  const document = { text: "compressible ".repeat(2000), list: Array(500).fill(12345) };
  const key = t.key("one");
  const stored = await t.stored("upsert of what compresses well", t.collection.upsert(key, document));
  const got = await t.content("get", t.collection.get(key), document);
  t.equal("get: the CAS is that of the upsert", cas(got), cas(stored));
  const text = "abc".repeat(4000);
  await t.stored("upsert of text", t.collection.upsert(key, text));
  await t.stored("append to it", t.collection.binary().append(key, text));
  await t.content("get of it", t.collection.get(key), text + text);
  await t.stored("upsert of an object", t.collection.upsert(key, document));
  await t.stored("mutateIn", t.collection.mutateIn(key, [couchbase.MutateInSpec.insert("more", text)]));
  await t.content("get of both", t.collection.get(key), { ...document, more: text });
}

module.exports = {
  get, keys, values, transcoders, exists, insert, upsert, replace, remove, touch, "get-and-touch": getAndTouch, lock,
  unlock, append, counters, expiry, "preserve-expiry": preserveExpiry, projections, compression,
};
