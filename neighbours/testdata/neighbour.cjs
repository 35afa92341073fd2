// A neighbour that locks with proper-lockfile and saves with steno: node neighbour.cjs <node_modules> <file> <milliseconds>
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const [modules, file, lasts] = process.argv.slice(2);
const { lock } = require(path.join(modules, 'proper-lockfile'));
const patient = { retries: { retries: 2000, factor: 1.1, minTimeout: 2, maxTimeout: 50, randomize: true } };
const pace = 20; // 50 saves a second
const books = { Side: 'theirs', Member: 'theirs', Writes: 0, Last: {}, Notes: {}, Tears: null };

// change makes the next change, in the item whose turn it is, and enters it. It is what the neighbours in Go do.
function change(doc) {
  const n = books.Writes + 1;
  const item = doc.backlog[n % doc.backlog.length];
  if (n % 5 === 0) {
    const id = `${item.id}.M2${String(n).padStart(5, '0')}`;
    item.milestones = [...(item.milestones ?? []), { id, type: 'Milestone', title: 'x', status: 'Planned', theirs: n }];
    books.Last[id] = n;
  } else if (n % 5 === 1) {
    item.theirs_list.push(`t-${n}`);
    books.Notes[item.id] = [...(books.Notes[item.id] ?? []), `t-${n}`];
  } else {
    item.theirs = n;
    books.Last[item.id] = n;
  }
}

async function run() {
  const { Writer } = await import(pathToFileURL(path.join(modules, 'steno', 'lib', 'index.js')));
  const writer = new Writer(file);
  for (const end = Date.now() + Number(lasts); Date.now() < end;) {
    const next = Date.now() + pace;
    const release = await lock(file, patient);
    const doc = JSON.parse(fs.readFileSync(file, 'utf8'));
    change(doc);
    await writer.write(JSON.stringify(doc, null, 4));
    await release();
    books.Writes++;
    await new Promise((resolve) => setTimeout(resolve, next - Date.now()));
  }
  console.log(JSON.stringify(books));
}
run();
