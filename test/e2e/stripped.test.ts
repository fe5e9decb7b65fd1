/** `save_optimizer: false` in the bucket: what nobody resumes from any more loses its optimizer. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pythonOf } from '../../local/python.ts'
import { hubSettled, Run, recordedCheckpoint } from './deployed.ts'
import { describeCheckpoints } from './described-by-torch.ts'

const LEAN = { save_optimizer: false, save_param_scheduler: false }
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkpoint-hub-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('stored checkpoints', () => {
  it('lose optimizer and schedulers once a newer one is there, and torch loads the rest', async () => {
    const run = new Run()
    await run.put('checkpoint_hook.json', LEAN)
    for (const step of [1, 2]) await run.put(`epoch_${step}.pth`, await recordedCheckpoint(step))
    await hubSettled()
    expect(await run.bytes('epoch_2.pth')).toEqual(await recordedCheckpoint(2))
    await writeFile(join(folder, 'stripped.pth'), await run.bytes('epoch_1.pth'))
    await writeFile(join(folder, 'whole.pth'), await recordedCheckpoint(1))
    const python = await pythonOf('torch')
    const described = await describeCheckpoints(python, folder, ['stripped.pth', 'whole.pth'])
    const { stripped, whole } = {
      stripped: described['stripped.pth'],
      whole: described['whole.pth'],
    }
    expect(whole?.keys).toContain('optimizer')
    expect(stripped?.keys).toEqual(
      whole?.keys.filter((key) => !['optimizer', 'param_schedulers'].includes(key)),
    )
    expect(stripped?.state_dict).toEqual(whole?.state_dict)
    const entry = (await run.entries()).get('step#epoch#0000000000000001')
    expect(entry?.['removed_keys']).toEqual(['optimizer', 'optim_wrapper', 'param_schedulers'])
  })

  it('are whole again once they are the newest that is left', async () => {
    const run = new Run()
    await run.put('checkpoint_hook.json', LEAN)
    for (const step of [1, 2]) await run.put(`epoch_${step}.pth`, await recordedCheckpoint(step))
    await hubSettled()
    await run.remove('epoch_2.pth')
    await hubSettled()
    expect(await run.bytes('epoch_1.pth')).toEqual(await recordedCheckpoint(1))
  })
})
