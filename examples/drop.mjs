// node drop.mjs '{"id":"P1","status":"Complete"}' [SECONDS]
// Drops a fragment and waits for its fate. Exit codes: 0 applied, 3 rejected (the reason is on stderr), 4 not known yet.
import fs from 'node:fs'
import path from 'node:path'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

const { SESSIONSYNC_DROP: DROP = 'drop', SESSIONSYNC_RECOVERY: RECOVERY = 'recovery' } = process.env

/** Drops an update, or an array of updates that apply together or not at all. Returns the fragment's name. */
export function drop(update) {
  const name = `${randomUUID()}.json`
  const hidden = path.join(DROP, `.${name}`)
  fs.writeFileSync(hidden, JSON.stringify(update), { flag: 'wx', flush: true })
  fs.linkSync(hidden, path.join(DROP, name)) // whole at once, and never over another file
  return name
}

/** null: applied. An object with code and message: rejected. undefined: not known yet. */
export async function fate(name, seconds = 30) {
  const hidden = path.join(DROP, `.${name}`)
  const end = Date.now() + seconds * 1000
  try {
    for (;;) {
      const alone = fs.statSync(hidden).nlink === 1 // first the link count,
      const entries = fs.existsSync(RECOVERY) ? fs.readdirSync(RECOVERY) : [] // then the recovery folder
      const entry = entries.find((e) => !e.startsWith('.') && fs.existsSync(path.join(RECOVERY, e, 'fragments', name)))
      if (entry) {
        const { retryable, error } = JSON.parse(fs.readFileSync(path.join(RECOVERY, entry, 'recovery.json'), 'utf8'))
        if (!retryable) return error
      } else if (alone) return null
      if (Date.now() > end) return undefined
      await sleep(50)
    }
  } finally {
    fs.rmSync(hidden)
  }
}

if (process.argv[1]?.endsWith('drop.mjs')) { // and not imported
  const error = await fate(drop(JSON.parse(process.argv[2])), Number(process.argv[3] ?? 30))
  if (error) console.error(`${error.code}: ${error.message}`)
  if (error === undefined) console.error("no fate yet; does 'sessionsync run' run?")
  process.exitCode = error ? 3 : error === undefined ? 4 : 0
}
