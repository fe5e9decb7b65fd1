/** MMEngine's own hook in a Python process that lives as long as it is needed. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { pythonOf } from '../../local/python.ts'
import { withoutStricter } from './refused-arguments.ts'
import { type Recollection, type Schedule, wireText } from './schedule.ts'

const PROGRAM = fileURLToPath(new URL('./run_hook.py', import.meta.url))

/** What the hook raised, and where. */
export interface HookError {
  at: 'construction' | 'before_train' | 'train' | 'validation' | 'after_train'
  type: string
  message: string
}

/** What happened in one life. */
export interface HookLife {
  error: HookError | null
  start: { epoch: number; iter: number; resumed_from: string | null }
  /** Steps that the hook saved in the series, in its order. */
  saved: number[]
  /** Those that it saved once more, after they set a record. */
  saved_again: number[]
  /** The name of what it saved last. */
  last: string | null
  /** Keys of each file that it published, by its path without hash. */
  published: Record<string, string[]>
  /** Its best files in the end. */
  bests: BestFile[]
  /** Every argument that its constructor refuses, beside those that only the hub refuses. */
  refused: { field: string; type: string; message: string }[]
}

/** A number of the message hub, as Python's `repr` of it; a path below the bucket; the deque. */
export type HubValue = { number: string } | string | number[]

/** A best file of the hook, and the life that it was saved in. */
export type BestFile = [path: string, life: number]

/** What the hook left of a schedule; all paths begin with the run. */
export interface HookResult {
  id: number
  lives: HookLife[]
  /** A directory ends with a slash. */
  files: string[]
  last_checkpoint: string | null
  runtime_info: Record<string, HubValue>
  /** The best files of every metric and rule that any life tracked. */
  ever_best: BestFile[]
  /** What rank 1 changed on disk, or what its message hub has otherwise than rank 0's. */
  of_rank_1: string[]
}

/** How often a branch of the hook's source was taken and not. */
export interface BranchCount {
  branch: string
  taken: number
  not_taken: number
}

export class HookProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #waiting: ((line: string) => void)[] = []
  #failure: Error | undefined
  readonly #ended: Promise<void>

  private constructor(python: string) {
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' }
    this.#child = spawn(python, [PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'], env })
    createInterface(this.#child.stdout).on('line', (line) => this.#waiting.shift()?.(line))
    this.#ended = new Promise((resolve) => {
      this.#child.on('close', (code) => {
        this.#failure = new Error(`the process of MMEngine's hook ended with ${code}`)
        for (const answer of this.#waiting.splice(0)) answer('')
        resolve()
      })
    })
  }

  static async start(): Promise<HookProcess> {
    return new HookProcess(await pythonOf('torch'))
  }

  /** Runs schedules in one go; answers in their order. */
  async run(
    schedules: readonly { schedule: Schedule; recollections: readonly Recollection[] }[],
    traced: boolean,
  ): Promise<HookResult[]> {
    const lines = schedules.map((each) =>
      wireText(each.schedule, each.recollections, traced, withoutStricter),
    )
    return (await this.#ask(lines)).map((line) => JSON.parse(line) as HookResult)
  }

  /** The branches of the hook, counted over all that was traced. */
  async branches(): Promise<BranchCount[]> {
    const [line = '[]'] = await this.#ask([JSON.stringify({ ask: 'branches' })])
    return JSON.parse(line) as BranchCount[]
  }

  async stop(): Promise<void> {
    this.#child.stdin.end()
    await this.#ended
  }

  async #ask(lines: string[]): Promise<string[]> {
    const answers = lines.map(() => new Promise<string>((resolve) => this.#waiting.push(resolve)))
    this.#child.stdin.write(lines.map((line) => `${line}\n`).join(''))
    const found = await Promise.all(answers)
    if (this.#failure !== undefined && found.includes('')) throw this.#failure
    return found
  }
}
