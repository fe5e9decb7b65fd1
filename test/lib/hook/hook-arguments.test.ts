import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  HookArgumentError,
  isRegular,
  MAX_KEEP_CKPTS_LIMIT,
  parseArguments,
  resolveOptions,
  ruleFor,
} from '../../../lib/hook/hook-arguments.ts'
import { DEFAULT_GREATER_KEYS, DEFAULT_LESS_KEYS } from '../../../lib/hook/rule.ts'

const optionsOf = (named: object) => resolveOptions({}, parseArguments(named))

/** The argument, and what its error says. */
function errorOf(named: unknown): [field: string, reason: string] | 'none' {
  try {
    resolveOptions({}, parseArguments(named))
    return 'none'
  } catch (error) {
    if (!(error instanceof HookArgumentError)) throw error
    expect(error.message).toBe(`${error.field}: ${error.reason}`)
    return [error.field, error.reason]
  }
}

describe('a wrong argument gives an error with its name, what was given, what is allowed:', () => {
  test.each<[named: object, field: string, given: string, allowed: string]>([
    [{ interval: 1.5 }, 'interval', '1.5', 'a whole number of epochs or iterations'],
    [{ interval: '2' }, 'interval', '"2"', 'a whole number'],
    [{ interval: null }, 'interval', 'null', 'a whole number'],
    [{ by_epoch: 'yes' }, 'by_epoch', '"yes"', 'true or false'],
    [{ save_optimizer: 1 }, 'save_optimizer', '1', 'true or false'],
    [{ save_param_scheduler: 0 }, 'save_param_scheduler', '0', 'true or false'],
    [{ out_dir: 3 }, 'out_dir', '3', 'without "..", or null'],
    [{ out_dir: '' }, 'out_dir', '""', 's3://<bucket>/<prefix>'],
    [{ out_dir: 'a/../b' }, 'out_dir', '"a/../b"', 'without ".."'],
    [{ out_dir: 'gs://b/x' }, 'out_dir', '"gs://b/x"', 's3://<bucket>/<prefix>'],
    [{ out_dir: 's3://A_b/x' }, 'out_dir', '"s3://A_b/x"', 's3://<bucket>/<prefix>'],
    [{ max_keep_ckpts: 2.5 }, 'max_keep_ckpts', '2.5', '0 or less means unlimited'],
    [{ max_keep_ckpts: 10_001 }, 'max_keep_ckpts', '10001', 'up to 10000'],
    [{ save_last: 'no' }, 'save_last', '"no"', 'true or false'],
    [{ save_best: 7 }, 'save_best', '7', 'a metric, a list of metrics, "auto" or null'],
    [{ save_best: ['acc', 7] }, 'save_best', '["acc",7]', 'a list of metrics'],
    [{ save_best: 'acc', rule: 'bigger' }, 'rule', '"bigger"', '"greater", "less"'],
    [{ save_best: 'acc', rule: [null] }, 'rule', '[null]', 'a list of these'],
    [{ greater_keys: [1] }, 'greater_keys', '[1]', 'a list of texts'],
    [{ less_keys: {} }, 'less_keys', '{}', 'a list of texts'],
    [{ file_client_args: 'petrel' }, 'file_client_args', '"petrel"', 'an object or null'],
    [{ filename_tmpl: 'epoch.pth' }, 'filename_tmpl', '"epoch.pth"', 'one "{}"'],
    [{ filename_tmpl: '{}_{}.pth' }, 'filename_tmpl', '"{}_{}.pth"', 'one "{}"'],
    [{ filename_tmpl: '{:03}.pth' }, 'filename_tmpl', '"{:03}.pth"', 'one "{}"'],
    [{ filename_tmpl: 'a/{}.pth' }, 'filename_tmpl', '"a/{}.pth"', 'a file name'],
    [{ filename_tmpl: '{}' }, 'filename_tmpl', '"{}"', 'a file name'],
    [{ backend_args: [] }, 'backend_args', '[]', 'an object or null'],
    [{ published_keys: 1 }, 'published_keys', '1', 'a list of keys'],
    [{ directory_marker: 'a/b' }, 'directory_marker', '"a/b"', 'a file name without "/"'],
    [{ directory_marker: '' }, 'directory_marker', '""', 'a file name without "/"'],
    [{ directory_marker: '..' }, 'directory_marker', '".."', 'a file name without "/"'],
    [{ publish_format: 'onnx' }, 'publish_format', '"onnx"', '"pth", "safetensors"'],
    [{ publish_format: true }, 'publish_format', 'true', '"safetensors" or null'],
    [{ save_begin: -1 }, 'save_begin', '-1', 'a whole number of 0 or more'],
  ])('%j', (named, field, given, allowed) => {
    const [found, reason] = errorOf(named)
    expect(found).toBe(field)
    expect(reason).toContain(`got ${given}`)
    expect(reason).toContain(allowed)
  })

  test.each([
    [{ save_best: ['acc', 'acc'] }, 'save_best', 'has "acc" twice'],
    [{ published_keys: ['meta', 'meta'] }, 'published_keys', 'has "meta" twice'],
    [{ save_best: ['auto', 'acc'] }, 'save_best', '"auto" may not stand beside other metrics'],
    [
      { save_best: ['acc'], rule: ['less', 'less'] },
      'rule',
      'expected 1 rule or as many as save_best has metrics (1), got 2',
    ],
    [
      { save_best: 'recall' },
      'rule',
      'cannot be inferred for the metric "recall"; name "greater" or "less" explicitly',
    ],
    [
      { file_client_args: {}, backend_args: {} },
      'file_client_args',
      'cannot be set at the same time as backend_args',
    ],
  ])('%j', (named, field, reason) => expect(errorOf(named)).toEqual([field, reason]))

  test.each([[[]], ['text'], [3], [null], [true]])('%j, which is no object at all', (value) => {
    expect(errorOf(value)[0]).toBe('checkpoint_hook')
    expect(errorOf(value)[1]).toContain(`got ${JSON.stringify(value)}`)
  })

  test('and shows no more than a line of a long one', () => {
    const reasonOf = (length: number) => errorOf({ interval: 'x'.repeat(length) })[1]
    const expected = 'expected a whole number of epochs or iterations, got'
    expect(reasonOf(78)).toBe(`${expected} "${'x'.repeat(78)}"`)
    expect(reasonOf(79)).toBe(`${expected} "${'x'.repeat(76)}...`)
  })

  test('and shows what JSON has no words for', () => {
    expect(errorOf(undefined)).toEqual([
      'checkpoint_hook',
      'expected an object of arguments, got undefined',
    ])
  })

  test('which code tells by its name and code', () => {
    expect(new HookArgumentError('rule', 'is wrong')).toMatchObject({
      name: 'HookArgumentError',
      code: 'hook-argument',
    })
  })

  test.each([
    [{ filename_tmpl: 'iter_{}.pth' }, '"iter_{}.pth" names files by iter, and by_epoch is true'],
    [
      { filename_tmpl: 'epoch_{}.pth', by_epoch: false },
      '"epoch_{}.pth" names files by epoch, and by_epoch is false',
    ],
  ])('%j', (named, reason) => {
    expect(errorOf(named)).toEqual(['filename_tmpl', `${reason}; name by_epoch too`])
  })

  test.each(['{}/a.pth', 'a{}{.pth', '}a{}', 'a{}}', '/{}.pth', 'a{}/'])(
    'filename_tmpl %j, which is no file name with one "{}"',
    (template) => {
      expect(errorOf({ filename_tmpl: template })).toEqual([
        'filename_tmpl',
        `expected a file name with one "{}", or null, got "${template}"`,
      ])
    },
  )
})

describe('an argument that nobody names', () => {
  test("has the hook's default", () => {
    expect(optionsOf({})).toEqual({
      interval: -1,
      intervalNamed: false,
      naming: undefined,
      saveOptimizer: true,
      saveParamScheduler: true,
      outDir: undefined,
      maxKeepCkpts: -1,
      saveLast: true,
      saveBest: [],
      greaterKeys: DEFAULT_GREATER_KEYS,
      lessKeys: DEFAULT_LESS_KEYS,
      publishedKeys: undefined,
      publishFormat: 'pth',
      saveBegin: 0,
      remarks: [],
    })
  })

  test('is told from one that is named', () => {
    const named = {
      interval: 2,
      by_epoch: false,
      save_optimizer: false,
      save_param_scheduler: false,
      out_dir: 'other',
      max_keep_ckpts: 3,
      save_last: false,
      save_best: 'psnr',
      greater_keys: ['psnr'],
      less_keys: ['fid'],
      published_keys: ['meta'],
      save_begin: 4,
    }
    expect(optionsOf(named)).toMatchObject({
      interval: 2,
      intervalNamed: true,
      naming: { series: 'iter', template: 'iter_{}.pth' },
      saveOptimizer: false,
      saveParamScheduler: false,
      outDir: { bucket: undefined, prefix: 'other' },
      maxKeepCkpts: 3,
      saveLast: false,
      saveBest: [{ metric: 'psnr', rule: 'greater' }],
      greaterKeys: ['psnr'],
      lessKeys: ['fid'],
      publishedKeys: ['meta'],
      saveBegin: 4,
    })
  })

  test("takes the stack's default, argument by argument", () => {
    const stack = { interval: 2, max_keep_ckpts: 5 }
    expect(resolveOptions(stack, { max_keep_ckpts: 3 })).toMatchObject({
      interval: 2,
      intervalNamed: false,
      maxKeepCkpts: 3,
    })
  })

  test('and null is a value: it overrules the stack', () => {
    const stack = { save_best: 'acc', published_keys: ['meta'], publish_format: 'safetensors' }
    const named = { save_best: null, published_keys: null, publish_format: null }
    expect(resolveOptions(stack, named)).toMatchObject({
      saveBest: [],
      publishedKeys: undefined,
      publishFormat: 'pth',
    })
  })
})

describe('arguments are understood as the hook does:', () => {
  test('a text is a list of one', () => {
    const options = optionsOf({ save_best: 'x', greater_keys: 'x', published_keys: 'meta' })
    expect(options.saveBest).toEqual([{ metric: 'x', rule: 'greater' }])
    expect(options.publishedKeys).toEqual(['meta'])
  })

  test('one rule is that of all metrics, several are one each', () => {
    const metrics = ['a', 'b']
    const rules = (rule: unknown) =>
      optionsOf({ save_best: metrics, rule }).saveBest.map((each) => each.rule)
    expect(rules('less')).toEqual(['less', 'less'])
    expect(rules(['greater'])).toEqual(['greater', 'greater'])
    expect(rules(['less', 'greater'])).toEqual(['less', 'greater'])
  })

  test('auto has no rule until its metric is known, unless one is named', () => {
    expect(optionsOf({ save_best: 'auto' }).saveBest).toEqual([{ metric: 'auto', rule: undefined }])
    expect(optionsOf({ save_best: ['auto'], rule: 'less' }).saveBest[0]?.rule).toBe('less')
  })

  test.each([
    [{ by_epoch: true }, { series: 'epoch', template: 'epoch_{}.pth' }],
    [{ by_epoch: false }, { series: 'iter', template: 'iter_{}.pth' }],
    [{ filename_tmpl: 'digits-{}.pth' }, { series: 'epoch', template: 'digits-{}.pth' }],
    [
      { by_epoch: false, filename_tmpl: 'i{}' },
      { series: 'iter', template: 'i{}' },
    ],
    [{ filename_tmpl: null }, undefined],
  ])('%j names %j', (named, naming) => expect(optionsOf(named).naming).toEqual(naming))

  test('a directory marker is a file name', () => {
    expect(optionsOf({ directory_marker: 'index.json' }).directoryMarker).toBe('index.json')
    for (const name of ['', '.', '..', 'a/b', '/']) {
      expect(errorOf({ directory_marker: name })).toEqual([
        'directory_marker',
        `expected a file name without "/", or null, got "${name}"`,
      ])
    }
  })

  test('a limit of 10,000 is the largest', () => {
    expect(optionsOf({ max_keep_ckpts: MAX_KEEP_CKPTS_LIMIT }).maxKeepCkpts).toBe(10_000)
  })

  test('the config key "type" is none of them, and deserves no word', () => {
    expect(optionsOf({ type: 'CheckpointHook' }).remarks).toEqual([])
  })
})

describe('what deserves a word and is in force all the same:', () => {
  const remarked = (named: object) => optionsOf(named).remarks.map(({ field }) => field)

  test.each([
    [{ max_keep_ckpt: 3 }, ['max_keep_ckpt']],
    [{ backend_args: { backend: 'local' } }, ['backend_args']],
    [{ file_client_args: {} }, ['file_client_args', 'file_client_args']],
    [{ save_best: 'stop_loss' }, ['rule']],
    [{ save_best: 'val_loss' }, []],
    [{ save_best: 'stop_loss', rule: 'less' }, []],
  ])('%j: %j', (named, fields) => expect(remarked(named)).toEqual(fields))

  test('in words', () => {
    const unknown = 'is no argument of the hook; it is kept and has no effect'
    const nothing = 'has no effect: the bucket, its region and its endpoint are those of the stack'
    expect(optionsOf({ x: 1 }).remarks).toEqual([{ field: 'x', reason: unknown }])
    expect(optionsOf({ file_client_args: {} }).remarks).toEqual([
      { field: 'file_client_args', reason: 'is deprecated by the hook; use backend_args' },
      { field: 'file_client_args', reason: nothing },
    ])
    expect(optionsOf({ backend_args: {} }).remarks).toEqual([
      { field: 'backend_args', reason: nothing },
    ])
    expect(optionsOf({ backend_args: null, file_client_args: null }).remarks).toEqual([])
  })

  test('a metric that holds "loss" and yet infers greater, in words', () => {
    const remarks: { field: string; reason: string }[] = []
    expect(ruleFor('accumulated_loss', DEFAULT_GREATER_KEYS, DEFAULT_LESS_KEYS, remarks)).toBe(
      'greater',
    )
    expect(remarks).toEqual([
      {
        field: 'rule',
        reason:
          '"accumulated_loss" infers "greater" although it holds "loss"; name the rule if that is wrong',
      },
    ])
    ruleFor('ACC_LOSS', DEFAULT_GREATER_KEYS, DEFAULT_LESS_KEYS, remarks)
    ruleFor('acc', DEFAULT_GREATER_KEYS, DEFAULT_LESS_KEYS, remarks)
    expect(remarks).toHaveLength(2)
  })
})

describe('a step is regular', () => {
  const regular = (named: object, until: number) => {
    const options = optionsOf(named)
    return Array.from({ length: until }, (_, at) => at + 1).filter((step) =>
      isRegular(options, step),
    )
  }

  test('from save_begin on, which itself counts: 5, 7, 9, 11', () => {
    expect(regular({ interval: 2, save_begin: 5 }, 12)).toEqual([5, 7, 9, 11])
  })

  test('at every interval from 0 where no begin is named', () => {
    expect(regular({ interval: 3 }, 10)).toEqual([3, 6, 9])
  })

  test('never where the interval is 0 or less', () => {
    expect(regular({ interval: 0 }, 10)).toEqual([])
    expect(regular({}, 10)).toEqual([])
  })

  test('again after every interval, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 99 }),
        fc.nat(99),
        fc.nat(999),
        (interval, begin, n) => {
          const options = optionsOf({ interval, save_begin: begin })
          expect(isRegular(options, begin + n)).toBe(n % interval === 0)
          if (begin > 0) expect(isRegular(options, begin - 1)).toBe(false)
        },
      ),
    )
  })
})

test('whatever a file holds is options or an error that names an argument (invariant 9)', () => {
  const names = ['interval', 'rule', 'save_best', 'filename_tmpl', 'max_keep_ckpts', 'x']
  const values = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('acc', 'less', '{}', 3))
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), values), (named) => {
      const error = errorOf(named)
      if (error !== 'none') expect([...names, 'checkpoint_hook']).toContain(error[0])
    }),
  )
})
