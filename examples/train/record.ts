/**
 * Records the example run again: `node examples/train/record.ts [folder]`, by default into
 * `examples/recorded`. It takes a minute or two and needs Python 3.10 or newer.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { pythonOf } from '../../local/python.ts'

const script = fileURLToPath(new URL('record.py', import.meta.url))
const python = await pythonOf('torch')
const recording = spawn(python, [script, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
})
const [code] = await once(recording, 'close')
process.exitCode = typeof code === 'number' ? code : 1
