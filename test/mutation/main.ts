/**
 * `npm run mutate`: StrykerJS over `lib/hook`, then a comparison of what survived with `docs/mutants.md`.
 * Arguments are StrykerJS's own. Fails where either does.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { REPORT } from './report.ts'

const CONFIG = 'test/mutation/stryker.config.json'
/** Names some lines of a file: `retention.ts:60-90`. */
const PART = /\.ts:\d/

const given = process.argv.slice(2)
// A report of before says nothing of this run.
rmSync(REPORT, { force: true })
const { status, error } = spawnSync('stryker', ['run', CONFIG, ...given], { stdio: 'inherit' })
if (error !== undefined) throw error
process.exitCode = status ?? 1
// A low score fails, too, and is when the list of survivors is wanted most.
if (given.some((each) => PART.test(each))) console.log('Lines of a file are not compared.')
else if (existsSync(REPORT)) await import('./survivors.ts')
