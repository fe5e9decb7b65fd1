/** The examples that read the table do what their pages say, as they stand there. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Run } from '../../lib/hook/names.ts'
import { endpointVariables, plainEnvironment } from '../../local/environment.ts'
import { pythonOf } from '../../local/python.ts'
import { storeOfFile } from '../lib/bucket/store.ts'
import { drain, newWorker, type TestWorker, upload } from '../lib/run/worker.ts'

interface Example {
  page: string
  language: 'sh' | 'python' | 'js'
  text: string
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const RECORDED = new URL('../../examples/recorded/', import.meta.url)
const examples = ['README.md', 'docs/message-hub.md'].flatMap(examplesIn)
const store = storeOfFile()
let worker: TestWorker
/** What runs an example that it reads from its standard input. */
let programs: Record<Example['language'], string[]>
let environment: NodeJS.ProcessEnv

beforeAll(async () => {
  worker = await newWorker(store)
  await upload(worker, recordedFiles(), 'work_dirs/digits' as Run)
  await drain(worker)
  const [boto3, awsCli] = [await pythonOf('local-cloud'), await pythonOf('aws-cli')]
  programs = {
    sh: ['bash', '-euo', 'pipefail'],
    python: [boto3, '-'],
    js: [process.execPath, '--input-type=module', '-'],
  }
  const plain = plainEnvironment()
  environment = {
    ...plain,
    ...endpointVariables(store.endpoint),
    PATH: `${dirname(awsCli)}:${plain['PATH']}`,
    TABLE: worker.hub.tableName,
    AWS_PAGER: '',
  }
})

/** By the page, the language, and a text of the example: what it prints. */
const PRINTED: [page: string, language: string, text: string, printed: RegExp[]][] = [
  [
    'README.md',
    'sh',
    'step#epoch#',
    [/best_accuracy_epoch_7\.pth/, /"fate":\s*{\s*"S": "evicted"/, /"N": "10"/],
  ],
  [
    'docs/message-hub.md',
    'sh',
    'runtime_info',
    [/"last_ckpt"/, /work_dirs\/digits\/epoch_10\.pth/, /"Items": \[\]/],
  ],
  [
    'docs/message-hub.md',
    'python',
    'best_ckpt_accuracy',
    [
      /^s3:\/\/\S+\/work_dirs\/digits\/epoch_10\.pth \[8, 9, 10\]$/m,
      /^96\.86\d+ s3:\/\/\S+\/best_accuracy_epoch_7\.pth$/m,
      /^epoch 7 evicted evicted: max_keep_ckpts=3/m,
      /^epoch 10 kept kept: /m,
    ],
  ],
  [
    'docs/message-hub.md',
    'js',
    ':kind',
    [/^epoch 7 evicted evicted: max_keep_ckpts=3/m, /^epoch 10 kept kept: /m],
  ],
  [
    'docs/message-hub.md',
    'sh',
    '--index-name runs',
    [/"work_dirs\/digits"/, /^work_dirs\/digits\t96\.86\d+\t7$/m, /"Count": 0/],
  ],
  [
    'docs/message-hub.md',
    'python',
    'leaderboard',
    [/^work_dirs\/digits \d{4}-\S+Z 10 0$/m, /^work_dirs\/digits 96\.86\d+ 7 current$/m],
  ],
  ['docs/message-hub.md', 'js', 'leaderboard', [/^work_dirs\/digits less 0\.114\d+ 6$/m]],
]

describe('an example that reads the table', () => {
  test('is among these', () => {
    const expected = PRINTED.map(([page, language, text]) => exampleOf(page, language, text))
    expect(new Set(expected)).toEqual(new Set(examples))
    expect(expected).toHaveLength(examples.length)
  })

  test.each(PRINTED)(
    'in %s, in %s, with %s, prints what it says',
    async (page, language, text, printed) => {
      const output = await outputOf(exampleOf(page, language, text))
      for (const each of printed) expect(output).toMatch(each)
    },
  )
})

/** Blocks of code that name the table. */
function examplesIn(page: string): Example[] {
  const source = readFileSync(`${ROOT}/${page}`, 'utf8')
  const blocks = [...source.matchAll(/^```(sh|python|js)\n(.*?)^```$/gms)]
  return blocks
    .map(([, language, text = '']) => ({ page, language: language as Example['language'], text }))
    .filter(({ text }) => /\bTABLE\b/.test(text))
}

function exampleOf(page: string, language: string, text: string): Example {
  const found = examples.filter(
    (each) => each.page === page && each.language === language && each.text.includes(text),
  )
  const [only] = found
  if (found.length !== 1 || only === undefined) {
    throw new Error(`${found.length} examples in ${page}, in ${language}, have ${text}`)
  }
  return only
}

function outputOf({ language, text }: Example): Promise<string> {
  const [program = '', ...options] = programs[language]
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      options,
      { cwd: ROOT, env: environment },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`${error.message}\n${stdout}\n${stderr}`))
        else resolve(stdout)
      },
    )
    child.stdin?.end(text)
  })
}

/** The files of the recorded run. */
function recordedFiles(): Record<string, Uint8Array> {
  const order = JSON.parse(readFileSync(new URL('order.json', RECORDED), 'utf8'))
  return Object.fromEntries(
    (order as { key: string }[]).map(({ key }) => [
      key,
      new Uint8Array(readFileSync(new URL(`uploads/${key}`, RECORDED))),
    ]),
  )
}
