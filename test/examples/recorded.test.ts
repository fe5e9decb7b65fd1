import { readdir, readFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import {
  RECORDED,
  type RecordedUpload,
  readRecording,
  uploadBody,
} from '../../examples/train/recording.ts'

const EPOCHS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
const LOG = '20260101_000000/vis_data/scalars.json'

const { order, expected, variants } = await readRecording()
const { left, files, uploads, validations } = expected
const recorded = await readAll()

describe('the recorded uploads', () => {
  it('are those of ten epochs, each with its checkpoint, then its metrics, then the log', () => {
    const keys = order.map((upload) => upload.key)
    expect(keys).toEqual([
      'checkpoint_hook.json',
      ...EPOCHS.flatMap((epoch) => [`epoch_${epoch}.pth`, `metrics/epoch_${epoch}.json`, LOG]),
      'after_train.json',
    ])
  })

  it('are all there, and nothing else is', () => {
    const names = [...recorded.keys()].filter((name) => name.startsWith('uploads/'))
    expect(names.sort()).toEqual([...new Set(order.map(({ key }) => `uploads/${key}`))].sort())
  })

  it('have the recorded sizes, of which only the log grows', async () => {
    for (const upload of order) {
      expect((await uploadBody(upload)).length, upload.key).toBe(upload.bytes)
      if (upload.key !== LOG)
        expect(recorded.get(`uploads/${upload.key}`)?.length).toBe(upload.bytes)
    }
    const sizes = order.filter(({ key }) => key === LOG).map(({ bytes }) => bytes)
    expect(sizes).toEqual([...new Set(sizes)].sort((a, b) => a - b))
    expect(recorded.get(`uploads/${LOG}`)?.length).toBe(sizes.at(-1))
  })

  it('begin with the arguments and end with the name of the last checkpoint', () => {
    expect(json('uploads/checkpoint_hook.json')).toEqual(expected.arguments)
    expect(json('uploads/after_train.json')).toEqual({ last: left.last_checkpoint })
  })

  it('say the same metrics as events and in the log, in the same order', async () => {
    for (const [index, validation] of validations.entries()) {
      const event = json(`uploads/metrics/epoch_${index + 1}.json`)
      expect(JSON.stringify(event)).toBe(JSON.stringify(validation))
    }
    for (const upload of order.filter(({ key }) => key === LOG)) {
      const logged = await validationLines(upload)
      const soFar = validations.slice(0, upload.epoch)
      expect(logged).toEqual(soFar.map(({ epoch, metrics }) => ({ ...metrics, step: epoch })))
    }
  })

  it('hold whole zip files with everything that MMEngine saves', () => {
    for (const epoch of EPOCHS) {
      const name = `epoch_${epoch}.pth`
      expect(recorded.get(`uploads/${name}`)?.subarray(0, 4).toString('latin1')).toBe('PK\x03\x04')
      const { keys, ...meta } = checkpoint(uploads, name)
      expect(meta).toMatchObject({ epoch, iter: epoch * expected.iterations_per_epoch })
      expect(keys).toEqual(['meta', 'state_dict', 'message_hub', 'optimizer', 'param_schedulers'])
    }
  })
})

describe("what MMEngine's hook left", () => {
  it('is the newest three checkpoints', () => {
    expect(left.checkpoints).toEqual(['epoch_8.pth', 'epoch_9.pth', 'epoch_10.pth'])
    expect(left.runtime_info['keep_ckpt_ids']).toEqual([8, 9, 10])
    expect(left.runtime_info['last_ckpt']).toBe('epoch_10.pth')
    expect(left.last_checkpoint).toBe('epoch_10.pth')
  })

  it('is a best of each metric, from epochs that retention evicted', () => {
    expect(left.runtime_info).toMatchObject({
      best_ckpt_accuracy: 'best_accuracy_epoch_7.pth',
      best_ckpt_val_loss: 'best_val_loss_epoch_6.pth',
    })
    expect([...left.best].sort()).toEqual([
      'best_accuracy_epoch_7.pth',
      'best_val_loss_epoch_6.pth',
    ])
  })

  it('is the first of equal scores', () => {
    const accuracies = validations.map(({ metrics }) => metrics['accuracy'])
    expect(left.runtime_info['best_score_accuracy']).toBe(accuracies[6])
    expect(accuracies.slice(7, 9)).toEqual([accuracies[6], accuracies[6]])
  })

  it('is published, the last and each best, with the published keys alone', () => {
    const sources = [left.last_checkpoint, ...left.best]
    expect([...left.published].sort()).toEqual(
      sources.map((name) => name?.replace(/\.pth$/, '')).sort(),
    )
    for (const stem of left.published) {
      expect(checkpoint(files, stem).keys).toEqual(expected.arguments['published_keys'])
    }
  })

  it('has, bit for bit, the weights that were uploaded', () => {
    for (const [name, { epoch, state_dict }] of Object.entries(files)) {
      expect(state_dict, name).toEqual(checkpoint(uploads, `epoch_${epoch}.pth`).state_dict)
    }
    expect(Object.keys(files).sort()).toEqual(
      [...left.checkpoints, ...left.best, ...left.published].sort(),
    )
  })

  it('is, in a best checkpoint, without optimizer and schedulers', () => {
    for (const name of left.best) {
      expect(checkpoint(files, name).keys).toEqual(['meta', 'state_dict', 'message_hub'])
    }
  })
})

describe.each(Object.entries(variants))('the variant "%s"', (_name, variant) => {
  it('leaves nothing that was not uploaded', () => {
    for (const name of variant.left.checkpoints) expect(variant.uploads).toContain(name)
    for (const name of variant.left.best) {
      expect(variant.uploads).toContain(name.replace(/^best_(accuracy|val_loss)_/, ''))
    }
  })

  it('keeps as many as its deque names', () => {
    const ids = variant.left.runtime_info['keep_ckpt_ids']
    if (!Array.isArray(ids)) return
    const steps = variant.left.checkpoints.map((name) => Number(name.replace(/\D/g, '')))
    expect(steps).toEqual(ids)
    expect(ids.length).toBeLessThanOrEqual(Number(variant.arguments['max_keep_ckpts']))
  })
})

describe('the whole recording', () => {
  it('is small enough for a repository', () => {
    const total = [...recorded.values()].reduce((sum, content) => sum + content.length, 0)
    expect(total).toBeLessThan(15e6)
  })

  it('names no folder of a machine', () => {
    const folders = [tmpdir(), homedir(), process.cwd(), '/tmp/', '/home/', '/Users/']
    for (const [name, content] of recorded) {
      for (const folder of folders) {
        expect(content.includes(folder), `${name} names ${folder}`).toBe(false)
      }
    }
  })
})

/** Every file of the recording by its path in there. */
async function readAll(): Promise<Map<string, Buffer>> {
  const folder = fileURLToPath(RECORDED)
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const found = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  const contents = found.map(
    async (path): Promise<[string, Buffer]> => [path.slice(folder.length), await readFile(path)],
  )
  return new Map(await Promise.all(contents))
}

function json(name: string): unknown {
  return JSON.parse(recorded.get(name)?.toString('utf8') ?? 'null')
}

function checkpoint<T>(table: Readonly<Record<string, T>>, name: string): T {
  const found = table[name]
  if (found === undefined) throw new Error(`${name} is not in the recording`)
  return found
}

/** The validation lines of a log, without its times; a training line has a learning rate. */
async function validationLines(upload: RecordedUpload): Promise<unknown[]> {
  const lines = (await uploadBody(upload)).toString('utf8').trimEnd().split('\n')
  return lines
    .map((line): Record<string, unknown> => JSON.parse(line))
    .filter((line) => !('lr' in line))
    .map(({ data_time: _dataTime, time: _time, ...rest }) => rest)
}
