// One group's run: every operation is counted, has a time limit, and comes to what the caller says or ends the group.
"use strict";
const assert = require("node:assert");
const { inspect } = require("node:util");
const couchbase = require("couchbase");

const { LookupInMacro, LookupInSpec } = couchbase;
const PATIENCE = 30000; // milliseconds for one operation, which the SDK gives up sooner

class Unexpected extends Error {}

// What an operation comes to, or an error if it takes too long.
async function intime(what, operation) {
  let timer;
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Unexpected(`${what}: no result in ${PATIENCE} ms`)), PATIENCE);
  });
  try {
    return await Promise.race([typeof operation === "function" ? operation() : operation, late]);
  } finally {
    clearTimeout(timer);
  }
}

function described(error) {
  const { status_code: status, retry_reasons: reasons } = error.context ?? {};
  const known = [
    error.message,
    error.cause && error.cause.message !== error.message && error.cause.message,
    status !== undefined && `status 0x${status.toString(16)}`,
    reasons && reasons.length > 0 && `retried because of ${reasons.join(", ")}`,
  ];
  return `${error.constructor.name} (${known.filter(Boolean).join("; ")})`;
}

function shortened(value) {
  const text = inspect(value, { depth: 4, maxStringLength: 100 }).replace(/\s+/g, " ");
  return text.length > 300 ? `${text.slice(0, 300)}...` : text;
}

class Trial {
  constructor(group, server) {
    Object.assign(this, { group, server, operations: 0, keys: new Set() });
    this.collection = server.collection;
  }

  // A key of this group's own, whose document the end of the group removes.
  key(name) {
    const key = `${this.server.prefix}${this.group}:${name}`;
    this.keys.add(key);
    return key;
  }

  // The operation succeeds; returns its result.
  async ok(what, operation) {
    this.operations++;
    try {
      return await intime(what, operation);
    } catch (error) {
      throw error instanceof Unexpected ? error : new Unexpected(`${what}: ${described(error)}`);
    }
  }

  // The operation succeeds, and its result has this content.
  async content(what, operation, expected) {
    const result = await this.ok(what, operation);
    this.equal(what, result.content, expected);
    return result;
  }

  // A mutation succeeds, with a CAS and, where the connection asks for it, a token.
  async stored(what, operation) {
    const result = await this.ok(what, operation);
    this.that(`${what}: it has a CAS`, cas(result) !== 0n);
    this.equal(`${what}: it has a token`, token(result) !== undefined, this.server.tokens);
    return result;
  }

  // The operation fails with an error of one of these classes; returns the error.
  async fails(what, operation, ...classes) {
    this.operations++;
    let result;
    try {
      result = await intime(what, operation);
    } catch (error) {
      if (classes.some((expected) => error instanceof expected)) return error;
      throw error instanceof Unexpected ? error : new Unexpected(`${what}: ${described(error)}, not ${names(classes)}`);
    }
    throw new Unexpected(`${what}: success (${shortened(result)}), not ${names(classes)}`);
  }

  // The SDK repeats the operation while the document is locked, until its own timeout.
  async locked(what, operation) {
    const error = await this.fails(what, operation, couchbase.TimeoutError, couchbase.DocumentLockedError);
    if (error.context?.retry_reasons) this.equal(what, error.context.retry_reasons, ["key_value_locked"]);
  }

  // The error of one spec of a lookup.
  refused(what, entry, expected) {
    this.that(`${what}: ${entry.error ? described(entry.error) : "no error"}, not ${expected.name}`,
              entry.error instanceof expected);
  }

  that(what, condition) {
    if (!condition) throw new Unexpected(what);
  }

  equal(what, got, expected) {
    try {
      assert.deepStrictEqual(got, expected);
    } catch {
      throw new Unexpected(`${what}: ${shortened(got)}, not ${shortened(expected)}`);
    }
  }

  // A later mutation of the same document has another CAS and the same vbucket's next sequence numbers.
  later(what, before, after) {
    this.that(`${what}: the CAS is another one`, cas(before) !== cas(after));
    if (!this.server.tokens) return;
    const [old, recent] = [token(before), token(after)];
    this.equal(`${what}: vbucket`, recent.partition_id, old.partition_id);
    this.equal(`${what}: vbucket's uuid`, recent.partition_uuid, old.partition_uuid);
    this.that(`${what}: sequence number ${recent.sequence_number} after ${old.sequence_number}`,
              BigInt(recent.sequence_number) > BigInt(old.sequence_number));
  }

  // A time in seconds is that many from now, give or take what a busy machine takes; 0 is no time at all.
  near(what, time, seconds) {
    const expected = seconds === 0 ? 0 : Math.round(Date.now() / 1000) + seconds;
    this.that(`${what}: ${time}, not about ${expected}`, seconds === 0 ? time === 0 : Math.abs(time - expected) <= 20);
  }

  // The document expires that many seconds from now; 0 is never.
  async expires(what, key, seconds) {
    const result = await this.ok(what, this.collection.lookupIn(key, [LookupInSpec.get(LookupInMacro.Expiry)]));
    this.near(what, result.content[0].value, seconds);
    return result;
  }

  // The document goes away by itself; nothing but a look at it tells.
  async vanishes(what, key) {
    await this.ok(what, async () => {
      while ((await this.collection.exists(key)).exists) await new Promise((resolve) => setTimeout(resolve, 100));
    });
  }

  // Removes the group's documents; those that it left locked stay.
  async cleared() {
    const removals = [...this.keys].map((key) => this.collection.remove(key, { timeout: 2000 }));
    const ends = await intime("removing the group's documents", Promise.allSettled(removals));
    const failed = ends.find(({ reason }) => reason && !(reason instanceof couchbase.DocumentNotFoundError));
    if (failed) throw new Unexpected(`removing the group's documents: ${described(failed.reason)}`);
  }
}

function names(classes) {
  return classes.map((one) => one.name).join(" or ");
}

function cas(result) {
  return BigInt(result.cas.toString());
}

// The mutation token's numbers; all zero where the server sent none.
function token(result) {
  const numbers = result.token?.toJSON();
  return numbers && numbers.partition_uuid !== "0" ? numbers : undefined;
}

// A class's static functions, to be called without it.
function functionsOf(one) {
  const all = Object.getOwnPropertyNames(one).filter((name) => typeof one[name] === "function");
  return Object.fromEntries(all.map((name) => [name, one[name].bind(one)]));
}

module.exports = { Trial, Unexpected, cas, described, functionsOf, token };
