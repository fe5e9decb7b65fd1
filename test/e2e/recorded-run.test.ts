/** A recorded MMEngine run through the deployed stack ends as MMEngine's own hook left it. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { differences, leftByHub } from '../../examples/demo/left.ts'
import { readRecording, uploadBody } from '../../examples/train/recording.ts'
import { pythonOf } from '../../local/python.ts'
import { ask, clientConfig, hubSettled, outputs, Run } from './deployed.ts'
import { type Described, describeCheckpoints } from './described-by-torch.ts'

const recording = await readRecording()
const run = new Run()

beforeAll(async () => {
  for (const upload of recording.order) await run.put(upload.key, await uploadBody(upload))
  await hubSettled()
})

describe('the bucket and the message hub', () => {
  it("are what MMEngine's own hook left of this run and these arguments", async () => {
    const left = await leftByHub(clientConfig, outputs, run.name, 'epoch_{}.pth')
    expect(differences(left, recording.expected.left)).toEqual([])
  })

  it('show no problem and nothing left to do', async () => {
    expect(await run.problems()).toEqual([])
    const entries = [...(await run.entries()).keys()]
    expect(entries.filter((entry) => entry.startsWith('effect#'))).toEqual([])
  })

  it('hold nothing beside the uploads and what the hub writes', async () => {
    const uploaded = new Set(recording.order.map(({ key }) => key))
    const others = Object.keys(await run.listing()).filter((name) => !uploaded.has(name))
    const { best, published } = recording.expected.left
    expect(others).toHaveLength(
      best.length + published.length + 'last_checkpoint'.split(' ').length,
    )
  })
})

describe('a signed URL', () => {
  it('downloads a published file whose name is its hash', async () => {
    const { body } = await ask(`published?run=${run.name}`)
    const published = body['published'] as { url: string; object: { key: string } }[]
    expect(published).toHaveLength(3)
    for (const { url, object } of published) {
      const bytes = Buffer.from(await (await fetch(url)).arrayBuffer())
      const hash = createHash('sha256').update(bytes).digest('hex')
      expect(object.key.endsWith(`-${hash.slice(0, 8)}.pth`)).toBe(true)
    }
  })

  it('of the best and of the last leads to the file that the hub names', async () => {
    const best = await ask(`best?run=${run.name}&metric=accuracy`)
    expect(best.body['step']).toBe(7)
    const last = await ask(`last?run=${run.name}`)
    expect(last.body['step']).toBe(10)
    const bytes = Buffer.from(await (await fetch(String(last.body['url']))).arrayBuffer())
    expect(bytes.equals(await run.bytes('epoch_10.pth'))).toBe(true)
  })
})

/** Debian's torch 1.13 joins where it is installed: `.ci/run` names its interpreter. */
const extra = process.env['CHECKPOINT_HUB_EXTRA_PYTHON']
const pythons: [string, string][] = [
  ['the pinned torch', await pythonOf('torch')],
  ...(extra ? [['another torch', extra] as [string, string]] : []),
]

describe.each(pythons)('%s', (_, python) => {
  let folder: string
  let described: Record<string, Described>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'checkpoint-hub-'))
    const names = Object.keys(await run.listing()).filter((name) => name.endsWith('.pth'))
    for (const name of names) await writeFile(join(folder, name), await run.bytes(name))
    described = await describeCheckpoints(python, folder, names)
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('loads each best and published file: the wanted keys, each tensor bit-equal', () => {
    const { files } = recording.expected
    for (const [name, theirs] of Object.entries(files)) {
      const ours = Object.entries(described).find(([each]) => stem(each) === stem(name))?.[1]
      expect(ours?.keys.toSorted(), name).toEqual(theirs.keys.toSorted())
      expect(ours?.state_dict, name).toEqual(theirs.state_dict)
    }
  })

  it('finds the metadata of the right epoch in each', () => {
    for (const [name, { epoch }] of Object.entries(described)) {
      expect(epoch, name).toBe(Number(/epoch_(\d+)/.exec(name)?.[1]))
    }
  })
})

function stem(name: string): string {
  return /-[0-9a-f]{8}\.pth$/.test(name) ? name.replace(/-[0-9a-f]{8}\.pth$/, '') : name
}
