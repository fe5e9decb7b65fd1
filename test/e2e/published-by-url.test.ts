/** Published files as people load them who have a signed URL and nothing of the hub. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pythonOf } from '../../local/python.ts'
import { ask, hubSettled, Run, recordedCheckpoint } from './deployed.ts'
import { describeCheckpoints } from './described-by-torch.ts'

const SCRIPT = fileURLToPath(new URL('./load_by_url.py', import.meta.url))
let folder: string
let python: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkpoint-hub-'))
  python = await pythonOf('torch')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Each tensor's SHA-256, of the one file that a run with these options publishes. */
async function loaded(options: object): Promise<Record<string, string>> {
  const run = new Run()
  await run.put('checkpoint_hook.json', { published_keys: ['meta', 'state_dict'], ...options })
  await run.put('epoch_1.pth', await recordedCheckpoint(1))
  await run.put('after_train.json', {})
  await hubSettled()
  const { body } = await ask(`published?run=${encodeURIComponent(run.name)}`)
  const urls = (body['published'] as { url: string }[]).map(({ url }) => url)
  const input = JSON.stringify(urls)
  const [only] = JSON.parse(
    String(execFileSync(python, [SCRIPT, folder], { input, stdio: 'pipe' })),
  )
  return only
}

async function trained(): Promise<Record<string, string>> {
  await writeFile(join(folder, 'epoch_1.pth'), await recordedCheckpoint(1))
  const described = await describeCheckpoints(python, folder, ['epoch_1.pth'])
  const { state_dict = {} } = described['epoch_1.pth'] ?? {}
  return Object.fromEntries(Object.entries(state_dict).map(([name, { sha256 }]) => [name, sha256]))
}

describe('a published file', () => {
  it('is what torch.hub takes, which checks its hash', async () => {
    expect(await loaded({})).toEqual(await trained())
  })

  it('is what safetensors reads, where publish_format asks for that', async () => {
    expect(await loaded({ publish_format: 'safetensors' })).toEqual(await trained())
  })
})
