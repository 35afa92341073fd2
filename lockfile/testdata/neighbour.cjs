// A program that locks with the npm package itself: node neighbour.cjs <node_modules> <what> <file> [times]
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const [modules, what, file, times] = process.argv.slice(2);
const { lock, check } = require(path.join(modules, 'proper-lockfile'));
const patient = { retries: { retries: 2000, factor: 1.1, minTimeout: 2, maxTimeout: 50, randomize: true } };

// count reads, adds one and writes under the lock, that many times.
async function count(write) {
  console.log('counting');
  for (let i = 0; i < times; i++) {
    const release = await lock(file, patient);
    const { n } = JSON.parse(fs.readFileSync(file, 'utf8'));
    await write(JSON.stringify({ n: n + 1 }));
    await release();
  }
}

const programs = {
  count: () => count(async (text) => fs.writeFileSync(file, text)),
  async steno() {
    const { Writer } = await import(pathToFileURL(path.join(modules, 'steno', 'lib', 'index.js')));
    const writer = new Writer(file);
    await count((text) => writer.write(text));
  },
  // hold keeps the lock until its input ends, and sets its time as often as the package lets it.
  async hold() {
    const release = await lock(file, { update: 1000, onCompromised: (err) => console.log('compromised', err.message) });
    console.log('held');
    process.stdin.on('end', () => release().then(() => console.log('released'), (err) => console.log(err.code)));
    process.stdin.resume();
  },
  async check() { console.log(await check(file)); },
  async try() {
    try {
      await (await lock(file))();
      console.log('had it');
    } catch (err) {
      console.log(err.code);
    }
  },
};
programs[what]();
