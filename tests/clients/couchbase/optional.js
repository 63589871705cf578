// What takes much memory, or what few servers know.
"use strict";
const couchbase = require("couchbase");
const { noise } = require("./noise");

const { DurabilityLevel, LookupInSpec } = couchbase;
const LARGEST = 20 * 1024 * 1024; // bytes of a document

async function huge(t) {
  const key = t.key("one");
  const largest = noise(LARGEST);
  const slowly = { timeout: 25000 };
  await t.stored("upsert of 20 MiB", t.collection.upsert(key, largest, slowly));
  const got = await t.ok("get of 20 MiB", t.collection.get(key, slowly));
  t.that("get of 20 MiB: what was stored", largest.equals(got.content));
  const larger = Buffer.concat([largest, Buffer.from("!")]);
  await t.fails("upsert of one byte more", t.collection.upsert(key, larger, slowly), couchbase.ValueTooLargeError);
  await t.fails("append of one byte", t.collection.binary().append(key, "!", slowly), couchbase.ValueTooLargeError);
  const dense = "x".repeat(LARGEST + 1);
  await t.fails("upsert of what compresses, but is larger", t.collection.upsert(key, dense, slowly), couchbase.ValueTooLargeError);
  await t.stored("upsert of 20 MiB that compress", t.collection.upsert(key, { text: "x".repeat(LARGEST - 11) }, slowly));
  const looked = await t.ok("exists inside of it", t.collection.lookupIn(key, [LookupInSpec.exists("text")], slowly));
  t.equal("exists inside of it", looked.content[0].value, true);
}

async function transactions(t) {
  const none = { disableClientAttemptCleanup: true, disableLostAttemptCleanup: true };
  const settings = { transactions: { durabilityLevel: DurabilityLevel.None, cleanupConfig: none } };
  const cluster = await t.ok("connect", t.server.connect(settings));
  const { name, scope } = t.collection;
  const collection = cluster.bucket(t.server.bucketName).scope(scope.name).collection(name);
  const [a, b, c] = [t.key("a"), t.key("b"), t.key("c")];
  await t.stored("upsert", collection.upsert(a, { n: 1 }));
  await t.stored("upsert", collection.upsert(b, { n: 2 }));
  await t.ok("a transaction", cluster.transactions().run(async (attempt) => {
    const [first, second] = [await attempt.get(collection, a), await attempt.get(collection, b)];
    await attempt.replace(first, { n: first.content.n + 10 });
    await attempt.insert(collection, c, { n: 3 });
    await attempt.remove(second);
  }));
  await t.content("what was replaced", collection.get(a), { n: 11 });
  await t.fails("what was removed", collection.get(b), couchbase.DocumentNotFoundError);
  await t.content("what was inserted", collection.get(c), { n: 3 });
  await t.fails("one that fails", cluster.transactions().run(async (attempt) => {
    await attempt.replace(await attempt.get(collection, a), { n: 99 });
    await attempt.insert(collection, b, { n: 99 });
    throw new Error("on purpose");
  }), couchbase.TransactionFailedError);
  await t.content("nothing of it is there", collection.get(a), { n: 11 });
  await t.fails("what it inserted is not either", collection.get(b), couchbase.DocumentNotFoundError);
  await t.ok("close", cluster.close());
}

module.exports = { huge, transactions };
