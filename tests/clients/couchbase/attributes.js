// Extended attributes, and the macros that a server expands in them.
"use strict";
const couchbase = require("couchbase");
const { cas, functionsOf, token } = require("./trial");

const { LookupInMacro, LookupInSpec, MutateInMacro, MutateInSpec } = couchbase;
const { count, exists, get } = functionsOf(LookupInSpec);
const XATTR = { xattr: true };
const BOTH = { xattr: true, createPath: true };
const DOCUMENT = { name: "é" };

async function attribute(t, what, key, path) {
  const looked = await t.ok(what, t.collection.lookupIn(key, [get(path, XATTR)]));
  const [{ error, value }] = looked.content;
  if (error) throw error;
  return value;
}

async function attributes(t) {
  const key = t.key("one");
  const change = (what, ...specs) => t.stored(what, t.collection.mutateIn(key, specs));
  const first = await t.stored("upsert", t.collection.upsert(key, DOCUMENT));
  t.later("upsert of one", first, await change("upsert of one", MutateInSpec.upsert("my.a", 1, BOTH)));
  await t.content("a get does not show it", t.collection.get(key), DOCUMENT);
  t.equal("get of it", await attribute(t, "get of it", key, "my"), { a: 1 });
  await change("one of each", MutateInSpec.insert("my.b", [1], XATTR), MutateInSpec.replace("my.a", "x", XATTR),
               MutateInSpec.arrayAppend("my.b", 2, XATTR), MutateInSpec.arrayPrepend("my.b", 0, XATTR),
               MutateInSpec.arrayInsert("my.b[1]", 7, XATTR), MutateInSpec.arrayAddUnique("my.b", 9, XATTR),
               MutateInSpec.increment("my.c", 4, XATTR), MutateInSpec.decrement("my.d", 4, XATTR));
  const after = { a: "x", b: await attribute(t, "get of the array", key, "my.b"), c: 4 };
  t.equal("one of each: the array", [...after.b].sort(), [0, 1, 2, 7, 9]);
  t.equal("one of each", await attribute(t, "get of all", key, "my"), { ...after, d: -4 });
  const specs = [get("name"), exists("my.a", XATTR), exists("my.z", XATTR), count("my.b", XATTR)];
  const looked = await t.ok("beside a path", t.collection.lookupIn(key, specs));
  t.equal("beside a path", looked.content.map(({ value }) => value), ["é", true, false, 5]);
  await change("both at once", MutateInSpec.upsert("name", "both"), MutateInSpec.remove("my.d", XATTR));
  await t.content("both at once: the document", t.collection.get(key), { name: "both" });
  await t.stored("upsert of the document", t.collection.upsert(key, { name: "other" }));
  t.equal("it survives", await attribute(t, "it survives", key, "my"), after);
  await change("remove of it", MutateInSpec.remove("my", XATTR));
  const gone = await t.ok("get of what was removed", t.collection.lookupIn(key, [get("my", XATTR)]));
  t.refused("get of what was removed", gone.content[0], couchbase.PathNotFoundError);
}

async function attributesOfOthers(t) {
  const key = t.key("one");
  const transcoder = new couchbase.RawBinaryTranscoder();
  await t.stored("upsert of bytes", t.collection.upsert(key, Buffer.from([1, 0, 255]), { transcoder, expiry: 700 }));
  const beside = [MutateInSpec.upsert("of", "bytes", XATTR)];
  await t.stored("an attribute of bytes", t.collection.mutateIn(key, beside, { preserveExpiry: true }));
  await t.content("the bytes", t.collection.get(key, { transcoder }), Buffer.from([1, 0, 255]));
  t.equal("the attribute", await attribute(t, "the attribute", key, "of"), "bytes");
  await t.expires("the expiry", key, 700);
  await t.stored("append to the bytes", t.collection.binary().append(key, Buffer.from([2])));
  t.equal("after append", await attribute(t, "after append", key, "of"), "bytes");
  await t.content("the bytes after append", t.collection.get(key, { transcoder }), Buffer.from([1, 0, 255, 2]));
  await t.stored("remove", t.collection.remove(key));
  await t.stored("insert again", t.collection.insert(key, DOCUMENT));
  const gone = await t.ok("not in the new document", t.collection.lookupIn(key, [get("of", XATTR)]));
  t.refused("not in the new document", gone.content[0], couchbase.PathNotFoundError);
  const both = [MutateInSpec.upsert("of.x", 1, BOTH), MutateInSpec.upsert("a", 2)];
  const insert = { storeSemantics: couchbase.StoreSemantics.Insert };
  const created = await t.stored("with a new document", t.collection.mutateIn(t.key("new"), both, insert));
  const got = await t.content("the new document", t.collection.get(t.key("new")), { a: 2 });
  t.equal("the new document: its CAS", cas(got), cas(created));
}

async function attributeErrors(t) {
  const key = t.key("one");
  await t.stored("upsert", t.collection.upsert(key, DOCUMENT));
  const refused = (what, spec, expected) => t.fails(what, t.collection.mutateIn(key, [spec]), expected);
  await refused("replace of nothing", MutateInSpec.replace("my", 1, XATTR), couchbase.PathNotFoundError);
  await refused("without parents", MutateInSpec.upsert("my.a.b", 1, XATTR), couchbase.PathNotFoundError);
  await t.stored("insert", t.collection.mutateIn(key, [MutateInSpec.insert("my", { a: 1 }, XATTR)]));
  await refused("insert of what is there", MutateInSpec.insert("my.a", 1, XATTR), couchbase.PathExistsError);
  const vattr = await refused("a change of $document", MutateInSpec.upsert("$document.CAS", 1, XATTR), Error);
  t.equal("a change of $document", vattr.message, "xattr_cannot_modify_virtual_attribute (128)");
  const [{ error }] = (await t.ok("an unknown one of the server's",
                                  t.collection.lookupIn(key, [get("$nonsense", XATTR)]))).content;
  t.equal("an unknown one of the server's", error && error.message, "xattr_unknown_virtual_attribute (127)");
}

// CRC-32C, bit by bit.
function crc32c(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function reversed(hex) {
  return BigInt(`0x${Buffer.from(hex.slice(2), "hex").reverse().toString("hex")}`);
}

async function macros(t) {
  const key = t.key("one");
  await t.stored("upsert", t.collection.upsert(key, DOCUMENT));
  const specs = [
    MutateInSpec.upsert("m.cas", MutateInMacro.Cas, { createPath: true }),
    MutateInSpec.insert("m.seqno", MutateInMacro.SeqNo),
    MutateInSpec.upsert("m.crc", MutateInMacro.ValueCrc32c),
    MutateInSpec.upsert("m.list", [], XATTR),
    MutateInSpec.arrayAppend("m.list", MutateInMacro.Cas),
    MutateInSpec.arrayPrepend("m.list", MutateInMacro.SeqNo),
    MutateInSpec.upsert("m.text", "${Mutation.CAS}", XATTR),
  ];
  const changed = await t.stored("macros", t.collection.mutateIn(key, specs));
  const m = await attribute(t, "what they became", key, "m");
  t.that(`Cas: ${m.cas}`, /^0x[0-9a-f]{16}$/.test(m.cas));
  t.equal("Cas, the low byte first", reversed(m.cas), cas(changed));
  t.that(`SeqNo: ${m.seqno}`, /^0x[0-9a-f]{16}$/.test(m.seqno));
  if (token(changed)) t.equal("SeqNo", BigInt(m.seqno), BigInt(token(changed).sequence_number));
  t.equal("ValueCrc32c", m.crc, `0x${crc32c(Buffer.from(JSON.stringify(DOCUMENT))).toString(16).padStart(8, "0")}`);
  t.equal("in an array", m.list, [m.seqno, m.cas]);
  t.equal("text that only looks like one", m.text, "${Mutation.CAS}");
  const more = [MutateInSpec.replace("m.text", MutateInMacro.Cas), MutateInSpec.upsert("name", "z")];
  const again = await t.stored("replace by one", t.collection.mutateIn(key, more));
  t.equal("replace by one", reversed(await attribute(t, "what it became", key, "m.text")), cas(again));
  const looked = await t.ok("$document beside it", t.collection.lookupIn(key, [get(LookupInMacro.Cas)]));
  t.equal("$document beside it", BigInt(looked.content[0].value), cas(again));
}

module.exports = { attributes, "attributes-of-others": attributesOfOthers, "attribute-errors": attributeErrors, macros };
