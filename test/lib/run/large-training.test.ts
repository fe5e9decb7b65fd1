import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { UploadPartCommandInput } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MIB } from '../../fixtures/large-checkpoint.ts'
import { PythonSession } from '../../fixtures/python-session.ts'
import { bytesAt } from '../bucket/objects.ts'
import { callsTo, uploadsLeft } from '../bucket/rewrites.ts'
import { type StartedStore, startStore } from '../bucket/store.ts'
import { drain, ledgerOf, newWorker, RUN, upload } from './worker.ts'

let store: StartedStore
let folder: string
let session: PythonSession

beforeAll(async () => {
  store = await startStore()
  folder = await mkdtemp(join(tmpdir(), 'checkpoint-large-'))
  session = await PythonSession.start('large_training.py', [folder])
  await session.answer()
})
afterAll(async () => {
  session?.end()
  await store?.stop()
  await rm(folder, { recursive: true, force: true })
})

test('the best copy of 300 MB that torch wrote loads in torch, and hardly a byte of it was sent', async () => {
  const worker = await newWorker(store)
  const source = await readFile(join(folder, 'source.pth'))
  await upload(worker, {
    'checkpoint_hook.json': { save_best: 'acc' },
    'epoch_1.pth': source,
    'metrics/1.json': { epoch: 1, metrics: { acc: 0.5 } },
  })
  const calls = callsTo(worker.bucket)
  await drain(worker)
  const best = `${RUN}/best_acc_epoch_1.pth`
  const copy = (await bytesAt(worker.bucket, best)) ?? new Uint8Array()
  await writeFile(join(folder, 'copy.pth'), copy)
  session.proceed()
  expect(await session.answer()).toEqual({ verdict: 'ok' })
  expect(source.byteLength).toBeGreaterThan(280 * MIB)
  expect(copy.byteLength).toBeLessThan(100 * MIB)
  const sentBytes = calls
    .filter(({ name }) => name === 'UploadPart')
    .map(({ input }) => ((input as UploadPartCommandInput).Body as Uint8Array).byteLength)
    .reduce((sum, bytes) => sum + bytes, 0)
  expect(sentBytes).toBeLessThan(11 * MIB)
  expect((await ledgerOf(worker)).artifacts.get(best)).toMatchObject({
    state: 'current',
    object: { keptKeys: ['meta', 'state_dict'], removedKeys: ['optimizer'], hashedBy: 'function' },
  })
  expect(await uploadsLeft(worker.bucket)).toEqual([])
})
