import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plainEnvironment } from '../../local/environment.ts'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const RECORDED = join(ROOT, 'examples', 'recorded', 'uploads', 'epoch_10.pth')
/** Lets this Node say that it is an old one. */
const OLD_NODE =
  'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.0.0"}})'
const options = { cwd: ROOT, env: plainEnvironment() }

describe('in a clone', () => {
  test('npx finds the command', async () => {
    const { stdout } = await run('npx', ['ckpt', '--version'], options)
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  // npm brings a Node for Linux alone.
  test.runIf(process.platform === 'linux')(
    'an old Node hands over to the one that npm installed, and ends as that one does',
    async () => {
      const launch = ['--import', OLD_NODE, 'cli/ckpt.mjs']
      const { stdout } = await run(process.execPath, [...launch, 'inspect', RECORDED], options)
      expect(stdout).toContain('state_dict.head.weight')
      await expect(
        run(process.execPath, [...launch, 'inspect', 'absent'], options),
      ).rejects.toMatchObject({
        code: 3,
      })
    },
  )
})

describe('packed', () => {
  let folder: string
  let installed: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ckpt-package-'))
    installed = join(folder, 'node_modules', 'checkpoint-hub')
    await mkdir(installed, { recursive: true })
    await run('npm', ['pack', '--pack-destination', folder], options)
    const [archive = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'))
    await run('tar', ['xf', join(folder, archive), '-C', installed, '--strip-components=1'])
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('it holds the bundle, and no TypeScript', async () => {
    const files = await readdir(installed, { recursive: true })
    expect(files).toContain('dist/ckpt.mjs')
    for (const name of ['index.html', 'main.js', 'style.css', 'icon.svg']) {
      expect(files).toContain(`dist/dashboard/${name}`)
    }
    expect(files.filter((name) => name.endsWith('.ts'))).toEqual([])
  })

  test('it runs below node_modules, with no other package there', async () => {
    const launcher = join(installed, 'cli', 'ckpt.mjs')
    const { stdout } = await run(process.execPath, [launcher, 'inspect', RECORDED, '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ size_bytes: 85_081, findings: [] })
    const env = { ...plainEnvironment(), HOME: folder, AWS_EC2_METADATA_DISABLED: 'true' }
    const object = run(process.execPath, [launcher, 'inspect', 's3://a/b'], { env })
    await expect(object).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no AWS credentials were found'),
    })
  })

  test('it runs by a link on the path', async () => {
    const link = join(folder, 'ckpt')
    await symlink(join(installed, 'cli', 'ckpt.mjs'), link)
    const { stdout } = await run(process.execPath, [link, '--version'])
    expect(stdout).toMatch(/^\d/)
  })
})
