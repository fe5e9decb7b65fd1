import { expect, test } from 'vitest'
import { keyIn } from '../../../lib/hook/names.ts'
import { preview } from '../../../lib/run/preview.ts'
import { liveKeys, put } from '../bucket/objects.ts'
import { storeOfFile } from '../bucket/store.ts'
import { itemsOf } from '../message-hub/hub-table.ts'
import { checkpoint, ledgerOf, look, newWorker, RUN } from './worker.ts'

const store = storeOfFile()

test('what would be known is what is known once it was looked at, and nothing is done before', async () => {
  const worker = await newWorker(store)
  const files: Record<string, string | Uint8Array> = {
    'checkpoint_hook.json': '{"filename_tmpl": "detector_{}.pth", "save_best": "acc"}',
    'detector_1.pth': checkpoint('one'),
    'detector_2.pth': 'torn',
    'metrics/1.json': '{"epoch": 1, "metrics": {"acc": 1}}',
    'after_train.json': '{"last": "detector_1.pth"}',
  }
  for (const [name, body] of Object.entries(files)) {
    await put(worker.bucket, keyIn(RUN, name), body)
  }
  const names = Object.keys(files)
  const before = await liveKeys(worker.bucket)
  const known = await ledgerOf(worker)
  const seen = await preview(
    worker.bucket,
    known,
    names.map((name) => keyIn(RUN, name)),
  )
  expect(await liveKeys(worker.bucket)).toEqual(before)
  expect((await itemsOf(worker.hub, RUN)).size).toBe(0)

  await look(worker, names)
  const { history, sources } = await ledgerOf(worker)
  expect(seen.history).toEqual(history)
  expect(seen.sources).toEqual(sources)
})
