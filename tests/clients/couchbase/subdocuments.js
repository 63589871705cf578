// Operations on parts of documents.
"use strict";
const couchbase = require("couchbase");
const { cas, functionsOf, token } = require("./trial");

const { LookupInMacro, LookupInSpec, MutateInMacro, MutateInSpec, StoreSemantics } = couchbase;
const {
  CasMismatchError, DeltaInvalidError, DocumentExistsError, DocumentNotFoundError, DocumentNotJsonError,
  InvalidArgumentError, NumberTooBigError, PathExistsError, PathInvalidError, PathMismatchError, PathNotFoundError,
  PathTooBigError, ValueInvalidError,
} = couchbase;
const { count, exists, get } = functionsOf(LookupInSpec);
const SPECS = functionsOf(MutateInSpec);
const XATTR = { xattr: true };
const PARENTS = { createPath: true };

// What the specs of a lookup come to: values, or the errors' classes.
function results(looked) {
  return looked.content.map(({ error, value }) => (error ? error.constructor : value));
}

async function looks(t, what, key, specs, expected) {
  const looked = await t.ok(what, t.collection.lookupIn(key, specs));
  t.equal(what, results(looked), expected);
  return looked;
}

// A mutation succeeds, its specs return these values, and the document is this one.
async function changes(t, what, key, specs, document, { values = specs.map(() => undefined), ...options } = {}) {
  const changed = await t.stored(what, t.collection.mutateIn(key, specs, options));
  t.equal(`${what}: its values`, changed.content.map(({ value }) => value), values);
  const got = await t.content(`${what}: the document`, t.collection.get(key), document);
  t.equal(`${what}: its CAS is the document's`, cas(changed), cas(got));
  return changed;
}

async function lookup(t) {
  const key = t.key("one");
  const document = { a: 1, b: { c: ["x", { d: "é" }, [7, 8]], "e.f": null }, "": "empty", list: [], t: true };
  const stored = await t.stored("upsert", t.collection.upsert(key, document));
  const looked = await looks(t, "gets", key, [get("a"), get("b.c[1].d"), get("b.c[2]"), get("b.c[-1][-1]"), get("t")],
                             [1, "é", [7, 8], 8, true]);
  t.equal("gets: the CAS is that of the upsert", cas(looked), cas(stored));
  await looks(t, "quoted", key, [get("b.`e.f`"), get("`b`.c[0]")], [null, "x"]);
  await looks(t, "all", key, [get("")], [document]);
  await looks(t, "exist", key, [exists("a"), exists("z"), exists("b.c[9]"), exists("b.c[0]")], [true, false, false, true]);
  await looks(t, "counts", key, [count("b.c"), count("list"), count("b")], [3, 0, 2]);
  await looks(t, "count of all", key, [count("")], [5]);
  await looks(t, "16 specs", key, Array(16).fill(get("a")), Array(16).fill(1));
}

async function lookupErrors(t) {
  const key = t.key("one");
  await t.fails("lookup in nothing", t.collection.lookupIn(key, [get("a")]), DocumentNotFoundError);
  await t.stored("upsert", t.collection.upsert(key, { a: 1, b: [1, 2], c: { d: 2 } }));
  await looks(t, "paths that are not there", key, [get("z"), get("b[2]"), get("c.e"), get("a")],
              [PathNotFoundError, PathNotFoundError, PathNotFoundError, 1]);
  await looks(t, "paths that do not fit", key, [get("a.x"), get("b.x"), get("c[0]"), count("a")],
              Array(4).fill(PathMismatchError));
  await looks(t, "paths that are none", key, [get("b[x]"), get("a..b"), get("c]")], Array(3).fill(PathInvalidError));
  await looks(t, "a path of 33 levels", key, [get(Array(33).fill("a").join("."))], [PathTooBigError]);
  await t.fails("a path of 1,025 letters", t.collection.lookupIn(key, [get("a".repeat(1025))]), InvalidArgumentError);
  await t.fails("17 specs", t.collection.lookupIn(key, Array(17).fill(get("a"))), InvalidArgumentError);
  await t.fails("no specs", () => t.collection.lookupIn(key, []), InvalidArgumentError);
  await t.stored("upsert of what is not JSON", t.collection.upsert(key, Buffer.from("not JSON")));
  await looks(t, "lookup in what is not JSON", key, [get("a"), exists("a")], [DocumentNotJsonError, DocumentNotJsonError]);
}

async function lookupMacros(t) {
  const key = t.key("one");
  const document = { text: "é" };
  const stored = await t.stored("upsert", t.collection.upsert(key, document, { expiry: 900 }));
  const one = async (what, macro) => (await t.ok(what, t.collection.lookupIn(key, [get(macro)]))).content[0].value;
  t.near("Expiry", await one("Expiry", LookupInMacro.Expiry), 900);
  t.equal("Cas", BigInt(await one("Cas", LookupInMacro.Cas)), cas(stored));
  const number = await one("SeqNo", LookupInMacro.SeqNo);
  if (token(stored)) t.equal("SeqNo", BigInt(number), BigInt(token(stored).sequence_number));
  t.near("LastModified", Number(await one("LastModified", LookupInMacro.LastModified)), 1);
  t.equal("IsDeleted", await one("IsDeleted", LookupInMacro.IsDeleted), false);
  t.equal("ValueSizeBytes", await one("ValueSizeBytes", LookupInMacro.ValueSizeBytes), Buffer.byteLength(JSON.stringify(document)));
  const revision = BigInt(await one("RevId", LookupInMacro.RevId));
  t.that(`RevId: ${revision}`, revision > 0n);
  const all = await one("Document", LookupInMacro.Document);
  t.equal("Document", [BigInt(all.CAS), all.deleted, all.value_bytes, BigInt(all.revid)], [cas(stored), false, 13, revision]);
  await looks(t, "macros beside a path", key, [get("text"), get(LookupInMacro.IsDeleted)], ["é", false]);
  await t.stored("upsert again", t.collection.upsert(key, document));
  t.that("RevId rises", BigInt(await one("RevId", LookupInMacro.RevId)) > revision);
}

async function mutate(t) {
  const key = t.key("one");
  const { insert, remove, replace, upsert } = SPECS;
  const first = await t.stored("upsert", t.collection.upsert(key, { a: 1, b: { c: 2 }, d: [1, 2, 3] }));
  const second = await changes(t, "insert", key, [insert("e", { f: [] })], { a: 1, b: { c: 2 }, d: [1, 2, 3], e: { f: [] } });
  t.later("insert", first, second);
  await changes(t, "upsert of a new and an old member", key, [upsert("g", null), upsert("a", "one")],
                { a: "one", b: { c: 2 }, d: [1, 2, 3], e: { f: [] }, g: null });
  await changes(t, "replace", key, [replace("b.c", [false]), replace("d[1]", 22), replace("d[-1]", 33)],
                { a: "one", b: { c: [false] }, d: [1, 22, 33], e: { f: [] }, g: null });
  await changes(t, "remove", key, [remove("b.c[0]"), remove("d[0]"), remove("e"), remove("g")], { a: "one", b: { c: [] }, d: [22, 33] });
  await changes(t, "with parents", key, [insert("p.q.r", 1, PARENTS), upsert("p.s.t", "u", PARENTS)],
                { a: "one", b: { c: [] }, d: [22, 33], p: { q: { r: 1 }, s: { t: "u" } } });
  await changes(t, "one after another", key, [remove("p"), remove("d"), insert("d", 1), replace("d", 2), upsert("b.`x.y`", "é")],
                { a: "one", b: { c: [], "x.y": "é" }, d: 2 });
  await changes(t, "16 specs", key, Array.from({ length: 16 }, (_, i) => upsert("d", i)), { a: "one", b: { c: [], "x.y": "é" }, d: 15 });
}

async function arrays(t) {
  const key = t.key("one");
  const { arrayAddUnique, arrayAppend, arrayInsert, arrayPrepend } = SPECS;
  await t.stored("upsert", t.collection.upsert(key, { a: [] }));
  await changes(t, "append", key, [arrayAppend("a", 3), arrayAppend("a", { x: 1 })], { a: [3, { x: 1 }] });
  await changes(t, "append of several", key, [arrayAppend("a", [4, "5"], { multi: true })], { a: [3, { x: 1 }, 4, "5"] });
  await changes(t, "append of an array", key, [arrayAppend("a", [6])], { a: [3, { x: 1 }, 4, "5", [6]] });
  await changes(t, "prepend", key, [arrayPrepend("a", 2), arrayPrepend("a", [0, 1], { multi: true })],
                { a: [0, 1, 2, 3, { x: 1 }, 4, "5", [6]] });
  await changes(t, "insert", key, [arrayInsert("a[1]", "i"), arrayInsert("a[9]", ["e", "f"], { multi: true })],
                { a: [0, "i", 1, 2, 3, { x: 1 }, 4, "5", [6], "e", "f"] });
  await changes(t, "with parents", key, [arrayAppend("b.c", 1, PARENTS), arrayPrepend("d", 2, PARENTS), arrayAddUnique("u", 5, PARENTS)],
                { a: [0, "i", 1, 2, 3, { x: 1 }, 4, "5", [6], "e", "f"], b: { c: [1] }, d: [2], u: [5] });
  await t.stored("an array", t.collection.upsert(key, [1, "a", null]));
  await changes(t, "an array as the document", key, [arrayAppend("", 2), arrayPrepend("", 0), arrayInsert("[1]", "i")],
                [0, "i", 1, "a", null, 2]);
  await t.stored("add what is not there yet", t.collection.mutateIn(key, [arrayAddUnique("", "b"), arrayAddUnique("", false)]));
  const got = await t.ok("get of the array", t.collection.get(key)); // where they are is not documented
  t.equal("add what is not there yet", new Set(got.content), new Set([0, "i", 1, "a", null, 2, "b", false]));
}

async function arrayErrors(t) {
  const key = t.key("one");
  const document = { a: [1, "two", null], o: { x: 1 }, objects: [{}], n: 1 };
  const { arrayAddUnique, arrayAppend, arrayInsert, arrayPrepend } = SPECS;
  await t.stored("upsert", t.collection.upsert(key, document));
  const refused = (what, spec, expected) => t.fails(what, t.collection.mutateIn(key, [spec]), expected);
  await refused("append to nothing", arrayAppend("z", 1), PathNotFoundError);
  await refused("append to an object", arrayAppend("o", 1), PathMismatchError);
  await refused("prepend to a number", arrayPrepend("n", 1), PathMismatchError);
  await refused("insert behind the end", arrayInsert("a[7]", 1), PathNotFoundError);
  await refused("insert into no array", arrayInsert("o[0]", 1), PathMismatchError);
  await refused("insert without an index", arrayInsert("a", 1), PathInvalidError);
  await refused("add a number that is there", arrayAddUnique("a", 1), PathExistsError);
  await refused("add text that is there", arrayAddUnique("a", "two"), PathExistsError);
  await refused("add null that is there", arrayAddUnique("a", null), PathExistsError);
  await refused("add an object", arrayAddUnique("a", { x: 1 }), ValueInvalidError);
  await refused("add to an array of objects", arrayAddUnique("objects", 1), PathMismatchError);
  await t.content("nothing changed", t.collection.get(key), document);
}

async function mutateErrors(t) {
  const key = t.key("one");
  const document = { a: 1, b: { c: 2 }, d: [] };
  const { insert, remove, replace, upsert } = SPECS;
  await t.fails("in nothing", t.collection.mutateIn(key, [upsert("a", 1)]), DocumentNotFoundError);
  const stored = await t.stored("upsert", t.collection.upsert(key, document));
  const refused = (what, specs, expected) => t.fails(what, t.collection.mutateIn(key, specs), expected);
  await refused("insert of what is there", [insert("a", 2)], PathExistsError);
  await refused("insert without parents", [insert("x.y", 2)], PathNotFoundError);
  await refused("upsert without parents", [upsert("x.y.z", 2)], PathNotFoundError);
  await refused("upsert below a number", [upsert("a.b", 2)], PathMismatchError);
  await refused("upsert below a number, with parents", [upsert("a.b.c", 2, PARENTS)], PathMismatchError);
  await refused("replace of nothing", [replace("x", 2)], PathNotFoundError);
  await refused("remove of nothing", [remove("x")], PathNotFoundError);
  await refused("upsert of an element", [upsert("d[0]", 1)], PathInvalidError);
  await refused("remove of no element", [remove("d[0]")], PathNotFoundError);
  await refused("a path that is none", [upsert("a[x]", 1)], PathInvalidError);
  await refused("a path of 33 levels", [upsert(Array(33).fill("p").join("."), 1, PARENTS)], PathTooBigError);
  await refused("17 specs", Array(17).fill(upsert("a", 2)), InvalidArgumentError);
  await t.fails("no specs", () => t.collection.mutateIn(key, []), InvalidArgumentError);
  await refused("the second of three", [upsert("a", 5), insert("b", 6), upsert("e", 7)], PathExistsError);
  const got = await t.content("nothing changed", t.collection.get(key), document);
  t.equal("nothing changed: the CAS", cas(got), cas(stored));
  await t.stored("upsert of what is not JSON", t.collection.upsert(key, Buffer.from("not JSON")));
  await refused("in what is not JSON", [upsert("a", 1)], DocumentNotJsonError);
}

async function subdocumentCounters(t) {
  const key = t.key("one");
  const { decrement, increment } = SPECS;
  await t.stored("upsert", t.collection.upsert(key, { n: 10, s: "text", f: 1.5 }));
  await changes(t, "increment", key, [increment("n", 5)], { n: 15, s: "text", f: 1.5 }, { values: [15] });
  await changes(t, "decrement below 0", key, [decrement("n", 20)], { n: -5, s: "text", f: 1.5 }, { values: [-5] });
  const several = [increment("n", 1), MutateInSpec.upsert("s", "t"), decrement("new", 3), increment("p.q", 1, PARENTS)];
  await changes(t, "among others", key, several, { n: -4, s: "t", f: 1.5, new: -3, p: { q: 1 } }, { values: [-4, undefined, -3, 1] });
  const refused = (what, spec, expected) => t.fails(what, t.collection.mutateIn(key, [spec]), expected);
  await refused("increment of text", increment("s", 1), PathMismatchError);
  await refused("increment of a fraction", increment("f", 1), PathMismatchError);
  await refused("increment by 0", increment("n", 0), DeltaInvalidError);
  await refused("increment without parents", increment("x.y", 1), PathNotFoundError);
  const large = '{"big":9223372036854775807,"bigger":9223372036854775808}';
  await t.stored("upsert of large numbers", t.collection.upsert(key, large, { transcoder: new couchbase.RawJsonTranscoder() }));
  await refused("increment beyond 64 bits", increment("big", 1), ValueInvalidError);
  await refused("increment of what is beyond 64 bits", increment("bigger", 1), NumberTooBigError);
}

async function semantics(t) {
  const [key, other] = [t.key("one"), t.key("other")];
  const specs = [MutateInSpec.upsert("a", 1)];
  const { Insert, Replace, Upsert } = StoreSemantics;
  await t.fails("replace of nothing", t.collection.mutateIn(key, specs, { storeSemantics: Replace }), DocumentNotFoundError);
  await changes(t, "insert", key, specs, { a: 1 }, { storeSemantics: Insert });
  await t.fails("insert of what is there", t.collection.mutateIn(key, specs, { storeSemantics: Insert }), DocumentExistsError);
  const parents = [MutateInSpec.upsert("b.c", 2, PARENTS)];
  await changes(t, "upsert of what is there", key, parents, { a: 1, b: { c: 2 } }, { storeSemantics: Upsert });
  await changes(t, "upsert of nothing, with an expiry", other, [MutateInSpec.insert("x.y", 2)], { x: { y: 2 } },
                { storeSemantics: Upsert, expiry: 400 });
  await t.expires("the expiry", other, 400);
  const array = t.key("array");
  await changes(t, "upsert of an array", array, [MutateInSpec.arrayAppend("", 1)], [1], { storeSemantics: Upsert });
  const before = await t.ok("get", t.collection.get(key));
  const changed = await changes(t, "with its CAS", key, [MutateInSpec.remove("b")], { a: 1 }, { cas: before.cas });
  t.that("with its CAS: it is another one then", cas(changed) !== cas(before));
  await t.fails("with the CAS of before", t.collection.mutateIn(key, specs, { cas: before.cas }), CasMismatchError);
  const both = { storeSemantics: Upsert, cas: changed.cas };
  await t.fails("upsert with a CAS", t.collection.mutateIn(key, specs, both), InvalidArgumentError);
}

async function wholeDocuments(t) {
  const key = t.key("one");
  const meta = MutateInSpec.upsert("meta.of", "one", { ...XATTR, ...PARENTS });
  await t.stored("upsert", t.collection.upsert(key, { old: 1 }));
  await changes(t, "replace of all", key, [MutateInSpec.replace("", { n: [1] })], { n: [1] });
  await changes(t, "replace of all, and an attribute", key, [meta, MutateInSpec.replace("", { n: 2 })], { n: 2 });
  await looks(t, "all, and an attribute", key, [get(""), get("meta.of", XATTR)], [{ n: 2 }, "one"]);
  const [all, upsert] = [[MutateInSpec.upsert("", { x: "y" })], { storeSemantics: StoreSemantics.Upsert }];
  await t.fails("replace of all in nothing", t.collection.mutateIn(t.key("other"), all), DocumentNotFoundError);
  await changes(t, "upsert of all", t.key("new"), all, { x: "y" }, upsert);
  await t.ok("remove of all", t.collection.mutateIn(key, [MutateInSpec.remove("")]));
  await t.fails("get of what was removed", t.collection.get(key), DocumentNotFoundError);
}

module.exports = {
  lookup, "lookup-errors": lookupErrors, "lookup-macros": lookupMacros, mutate, arrays, "array-errors": arrayErrors,
  "mutate-errors": mutateErrors, "subdocument-counters": subdocumentCounters, semantics, "whole-documents": wholeDocuments,
  ...require("./attributes"),
};
