/** The command as people run it: a process of its own. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { plainEnvironment } from '../../local/environment.ts'

const LAUNCHER = fileURLToPath(new URL('../../cli/ckpt.mjs', import.meta.url))
/** A folder that is not there: the AWS configuration of whoever runs the tests is none of theirs. */
const NO_HOME = '/nonexistent'

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Where {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs the command to its end; its output is on pipes. */
export async function ckpt(args: readonly string[], { cwd, env = {} }: Where = {}): Promise<Ended> {
  const child = startCkpt(args, { ...(cwd !== undefined && { cwd }), env })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk) => out.push(chunk))
  child.stderr.on('data', (chunk) => err.push(chunk))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  return { code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() }
}

/** Starts the command. */
export function startCkpt(args: readonly string[], { cwd, env = {} }: Where = {}) {
  // Whether the tests themselves run in colour is no matter of the command.
  const { NO_COLOR: _, FORCE_COLOR: __, ...plain } = plainEnvironment()
  return spawn(process.execPath, [LAUNCHER, ...args], {
    ...(cwd !== undefined && { cwd }),
    env: { ...plain, HOME: NO_HOME, AWS_EC2_METADATA_DISABLED: 'true', ...env },
  })
}

/** The JSON that a command printed. */
export async function ckptJson<T>(args: readonly string[], where: Where = {}): Promise<T> {
  const { code, out, err } = await ckpt([...args, '--json'], where)
  if (code !== 0) throw new Error(`ckpt ${args.join(' ')} ended with ${code}:\n${err}`)
  return JSON.parse(out) as T
}
