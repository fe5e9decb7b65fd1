/** The processes that run functions: what the system tells of them. Linux alone has `/proc`. */
import { readdir, readFile, readlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** A process that runs a function, and which. */
export interface FunctionProcess {
  pid: number
  /** `ingest`, `publish`, `query` or `sweep`. */
  name: string
}

/** As the emulator calls the folder of a function that it runs. */
const WORKER =
  /ministack-lambda-[^/]*-Hub(Ingest|Publish|Query|Sweep)[0-9A-F]{8}-[^/]*\/_worker\.js/
/** Long enough for a process that works to have used the processor, or to have read something. */
const LOOK_AGAIN_MS = 60
/** Standard input, output and error, which may be sockets too. */
const STANDARD = ['0', '1', '2']

/** The functions' processes that an emulator started: its own children, no others. */
export async function workersOf(emulator: number): Promise<FunctionProcess[]> {
  const names = await readdir('/proc')
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const [, parent] = await statOf(pid)
      if (parent !== emulator) return []
      const name = WORKER.exec(await textOf(`/proc/${pid}/cmdline`))?.[1]
      return name === undefined ? [] : [{ pid, name: name.toLowerCase() }]
    }),
  )
  return found.flat()
}

/**
 * Those in the midst of an invocation: they have called AWS, and use the processor, read or write, while they
 * are looked at. One that still loads its code would lose nothing.
 */
export async function busyOf(processes: readonly FunctionProcess[]): Promise<FunctionProcess[]> {
  const before = await Promise.all(processes.map(({ pid }) => workOf(pid)))
  await sleep(LOOK_AGAIN_MS)
  const after = await Promise.all(processes.map(({ pid }) => workOf(pid)))
  const calling = await Promise.all(processes.map(({ pid }) => isConnected(pid)))
  return processes.filter((_, at) => calling[at] && after[at] !== '' && before[at] !== after[at])
}

async function isConnected(pid: number): Promise<boolean> {
  try {
    const folder = `/proc/${pid}/fd`
    const open = (await readdir(folder)).filter((name) => !STANDARD.includes(name))
    const links = await Promise.all(
      open.map((name) => readlink(`${folder}/${name}`).catch(() => '')),
    )
    return links.some((link) => link.startsWith('socket:'))
  } catch {
    return false
  }
}

async function workOf(pid: number): Promise<string> {
  const fields = await statOf(pid)
  if (fields.length === 0) return ''
  return [fields.slice(11, 13), await textOf(`/proc/${pid}/io`)].join('\n')
}

/** State, parent and the rest of `/proc/<pid>/stat`; empty for a process that is gone. */
async function statOf(pid: number): Promise<(number | string)[]> {
  const text = await textOf(`/proc/${pid}/stat`)
  const [state, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return text === '' || state === undefined ? [] : [state, ...rest.map(Number)]
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return ''
  }
}
