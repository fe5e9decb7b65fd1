import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'checkpoint-hub-synth-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function synth(...args: string[]) {
  const bin = join(root, 'node_modules', '.bin')
  const output = join(folder, 'cdk.out')
  return spawnSync(join(bin, 'cdk'), ['synth', '--quiet', '--output', output, ...args], {
    cwd: root,
    encoding: 'utf8',
    env: {
      PATH: [bin, process.env['PATH']].join(delimiter),
      HOME: folder,
      CDK_DOCKER: join(folder, 'no-docker'),
      CDK_DISABLE_CLI_TELEMETRY: 'true',
      AWS_EC2_METADATA_DISABLED: 'true',
    },
  })
}

test('cdk synth bundles the functions and passes cdk-nag without account, credentials or Docker', () => {
  const { status, stderr, stdout } = synth()
  expect(`${stdout}${stderr}`).not.toContain('AwsSolutions')
  expect(status).toBe(0)
  const template = JSON.parse(
    readFileSync(join(folder, 'cdk.out', 'CheckpointHub.template.json'), 'utf8'),
  )
  expect(Object.keys(template.Outputs)).toEqual(
    expect.arrayContaining(['BucketName', 'TableName', 'QueryUrl', 'EventsDlqUrl', 'JobsDlqUrl']),
  )
})

test.each(['keyPrefix=exps/', 'outBuckets=exports,more-exports'])(
  '%s passes cdk-nag too',
  (set) => {
    const { status, stderr, stdout } = synth('--context', set)
    expect(`${stdout}${stderr}`).not.toContain('AwsSolutions')
    expect(status).toBe(0)
  },
)

test('a wrong context value fails cdk synth with the name of its key', () => {
  const { status, stderr } = synth('--context', 'noncurrentDays=never')
  expect(status).not.toBe(0)
  expect(stderr).toContain('context key noncurrentDays: ')
})
