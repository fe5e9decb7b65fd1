/**
 * The engines that are compared, each a process of its own, so that its memory is its own. Those on Node are
 * bundled as the functions of the stack are.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { BUNDLED } from '../../infra/bundling.ts'
import { endpointVariables, plainEnvironment } from '../../local/environment.ts'
import { type Figures, figuresSchema } from './figures.ts'

/** What to publish, and where to. */
export interface Place {
  endpoint: string
  bucket: string
  key: string
  outKey: string
  /** For files; on AWS, the function's own storage. */
  folder: string
}

/**
 * Lambda's own bootstrap gives V8 a tenth of the function's memory for what is young, in two halves, and the rest for
 * what is old. Here as for a function of 256 MB; with V8's own limits, garbage may take more than that.
 */
const HEAP_OF_256_MB = ['--max-semi-space-size=12', '--max-old-space-size=231']
/** As the stack's functions have them (infra/functions.ts). */
const NODE_OPTIONS = ['--expose-gc']
const MALLOC_ARENA_MAX = '1'

/** Scripts by the name of the engine; the peers come before ours. */
export const ENGINES: Readonly<Record<string, { script: string; runs: 'node' | 'python' }>> = {
  MMEngine: { script: 'mmengine_way.py', runs: 'python' },
  plain: { script: 'through-function.ts', runs: 'node' },
  hub: { script: 'within-s3.ts', runs: 'node' },
}

/** Publishes once. */
export async function runEngine(python: string, name: string, place: Place): Promise<Figures> {
  const engine = ENGINES[name]
  if (engine === undefined) {
    throw new TypeError(`no engine ${name}; there are: ${Object.keys(ENGINES).join(', ')}`)
  }
  const { endpoint, bucket, key, outKey, folder } = place
  const source = fileURLToPath(new URL(engine.script, import.meta.url))
  const isPython = engine.runs === 'python'
  const [program, ...script] = isPython
    ? [python, source]
    : [process.execPath, ...HEAP_OF_256_MB, ...NODE_OPTIONS, await bundled(source, folder)]
  const environment = { ...plainEnvironment(), ...endpointVariables(endpoint) }
  const { stdout } = await promisify(execFile)(
    program,
    [...script, endpoint, bucket, key, outKey, folder],
    { env: isPython ? environment : { ...environment, MALLOC_ARENA_MAX } },
  )
  return figuresSchema.parse(JSON.parse(stdout))
}

async function bundled(source: string, folder: string): Promise<string> {
  const outfile = join(folder, 'engine.mjs')
  await build({
    ...BUNDLED,
    entryPoints: [source],
    outfile,
  })
  return outfile
}
