/** The query function as it is deployed, under its own role and behind its URL. */
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { checkpoint } from '../lib/run/worker.ts'
import { ask, hubSettled, Run } from './deployed.ts'

describe('the query function', () => {
  test('answers every question as it is described, and resumes from the third checkpoint', async () => {
    const run = new Run()
    const metric = `score ${randomUUID()}`
    await run.put('checkpoint_hook.json', {
      save_best: metric,
      rule: 'greater',
      published_keys: ['state_dict'],
    })
    for (const step of [1, 2, 3]) {
      const whole = checkpoint(`words of ${step}`)
      await run.put(`epoch_${step}.pth`, step === 3 ? whole.subarray(0, -30) : damaged(step, whole))
      await run.put(`metrics/${step}.json`, { epoch: step, metrics: { [metric]: -step } })
    }
    await run.put('after_train.json', '')
    await hubSettled()
    const own = new URLSearchParams({ run: run.name })
    const { body } = await ask(`resume?${own}`)
    expect(body).toMatchObject({ step: 1, passed_over: [{ step: 3 }, { step: 2 }] })
    const download = await fetch(String(body['url']))
    expect(new Uint8Array(await download.arrayBuffer())).toEqual(checkpoint('words of 1'))
    const scored = new URLSearchParams({ metric })
    for (const question of ['', 'runs', `run?${own}`, `last?${own}`, `published?${own}`]) {
      expect((await ask(question)).status).toBe(200)
    }
    expect((await ask(`leaderboard?${scored}`)).body).toMatchObject({
      rule: 'greater',
      runs: [{ rank: 1, run: run.name, score: '-1' }],
    })
    expect((await ask(`best?${own}&${scored}`)).body).toMatchObject({ step: 1, score: '-1' })
    expect((await ask(`last?${own}&expires=0`)).status).toBe(400)
  })
})

/** The second one's pickle is not what its checksum says, which its directory does not show. */
function damaged(step: number, whole: Uint8Array): Uint8Array {
  const bytes = Buffer.from(whole)
  if (step === 2) bytes[bytes.indexOf('words of')] = 0xff
  return bytes
}
