#!/usr/bin/env node
// What Couchbase's SDK can do with documents, against a server of that dialect: each result has to be the one that
// the SDK's documentation states. One line per group of operations; exit status 1 names what came out otherwise.
"use strict";
const couchbase = require("couchbase");
const { Trial, Unexpected, described } = require("./couchbase/trial");

const GROUPS = {
  ...require("./couchbase/documents"),
  ...require("./couchbase/subdocuments"),
  ...require("./couchbase/cluster"),
};
const OPTIONAL = require("./couchbase/optional"); // only when asked for
const USAGE = `usage: couchbase_client.js [options] HOST:PORT USER PASSWORD BUCKET [SCOPE.COLLECTION]
       couchbase_client.js --list

All groups run in SCOPE.COLLECTION, else in the default collection.
HOST:PORT may be a whole connection string, such as couchbases://localhost:11207.

  --only NAME     run this group (several times: these groups)
  --skip NAME     leave this group out
  --all           run the groups that are only run when asked for, too
  --list          print the groups' names and end
  --no-tokens     expect mutations without tokens (a server or an option withholds them)
  --options TEXT  append to the connection string, such as enable_compression=false
  --prefix TEXT   begin every key with this
  --limit SECONDS give up after this time (120)
`;

function usage() {
  process.stderr.write(USAGE);
  process.exit(2);
}

function parsed(words) {
  const settings = { only: [], skip: [], options: "", prefix: "", limit: 120, places: [] };
  const flags = {
    "--only": (word) => settings.only.push(word),
    "--skip": (word) => settings.skip.push(word),
    "--options": (word) => (settings.options = word),
    "--prefix": (word) => (settings.prefix = word),
    "--limit": (word) => (settings.limit = Number(word)),
  };
  while (words.length > 0) {
    const word = words.shift();
    if (["--all", "--list", "--no-tokens"].includes(word)) settings[word.slice(2)] = true;
    else if (word in flags && words.length > 0) flags[word](words.shift());
    else if (word.startsWith("--")) usage();
    else settings.places.push(word);
  }
  return settings;
}

function chosen({ only, skip, all }) {
  const every = { ...GROUPS, ...OPTIONAL };
  const unknown = [...only, ...skip].filter((name) => !(name in every));
  if (unknown.length > 0) {
    process.stderr.write(`no such group: ${unknown.join(", ")} (--list lists them)\n`);
    process.exit(2);
  }
  const names = only.length > 0 ? only : Object.keys(all ? every : GROUPS);
  return names.filter((name) => !skip.includes(name)).map((name) => [name, every[name]]);
}

// Where to connect to, and how another connection to the same place is made.
function destination({ places, options, prefix, ...settings }) {
  const [host, username, password, bucketName, path] = places;
  const url = `${host.includes("://") ? host : `couchbase://${host}`}${options && `?${options}`}`;
  const timeouts = { kvTimeout: 10000, kvDurableTimeout: 10000, connectTimeout: 10000 };
  const connect = (account) => couchbase.connect(url, { username, password, timeouts, ...account });
  return { connect, password, username, bucketName, path, prefix, tokens: !settings["no-tokens"] };
}

async function connected(settings) {
  const server = destination(settings);
  server.cluster = await server.connect({});
  server.bucket = server.cluster.bucket(server.bucketName);
  const [scope, collection] = server.path ? server.path.split(".") : ["_default", "_default"];
  server.collection = server.bucket.scope(scope).collection(collection);
  return server;
}

// Returns what came out otherwise than documented, or nothing.
async function failureOf(steps) {
  const failures = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failures.push(error instanceof Unexpected ? error.message : error.stack || described(error));
    }
  }
  return failures[0];
}

async function run(settings) {
  const server = await connected(settings);
  let operations = 0;
  const failures = [];
  for (const [name, group] of chosen(settings)) {
    const trial = new Trial(name, server);
    settings.running = trial;
    const failure = await failureOf([() => group(trial), () => trial.cleared()]);
    operations += trial.operations;
    if (failure) failures.push(`${name}: ${failure}`);
    console.log(failure ? `${name}: ${failure}` : `${name}: ${trial.operations} operations`);
  }
  await server.cluster.close();
  if (failures.length > 0) console.log(`${failures.length} groups otherwise than documented; the first: ${failures[0]}`);
  else console.log(`${operations} operations, all as documented`);
  return failures.length > 0 ? 1 : 0;
}

function giveUp({ limit, running }) {
  console.log(`not done after ${limit} s, in ${running ? `${running.group}, operation ${running.operations}` : "connecting"}`);
  process.exit(1);
}

function main() {
  const settings = parsed(process.argv.slice(2));
  if (settings.list) {
    console.log([...Object.keys(GROUPS), ...Object.keys(OPTIONAL).map((name) => `${name} (only when asked for)`)].join("\n"));
    return;
  }
  if (settings.places.length < 4 || settings.places.length > 5 || !(settings.limit > 0)) usage();
  chosen(settings);
  setTimeout(() => giveUp(settings), settings.limit * 1000);
  run(settings).then(process.exit, (error) => {
    console.log(`connecting: ${described(error)}`);
    process.exit(1);
  });
}

main();
