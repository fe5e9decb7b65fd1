/**
 * `npm run demo`: a recorded training run goes to a stack that `cdk deploy` puts up on the local cloud,
 * and what is left is compared with what MMEngine's own hook left on disk.
 */
import { createHash } from 'node:crypto'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { Listr } from 'listr2'
import { type LocalCloud, type StackOutputs, startLocalCloud } from '../../local/cloud.ts'
import { settled } from '../../local/settled.ts'
import { signedFetch } from '../../local/signed-fetch.ts'
import { readRecording, uploadBody } from '../train/recording.ts'
import { differences, leftByHub } from './left.ts'
import { type Answers, bestSchema, publishedSchema, reportOf, runSchema } from './report.ts'

const RUN = 'work_dirs/digits'

interface Stage {
  cloud: LocalCloud
  outputs: StackOutputs
}

let starting: Promise<LocalCloud> | undefined

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => void stop().finally(() => process.exit(130)))
}

try {
  const complaints = await demonstrate()
  for (const complaint of complaints) console.error(`✗ ${complaint}`)
  process.exitCode = complaints.length === 0 ? 0 : 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  await stop()
}

async function stop(): Promise<void> {
  const cloud = await starting?.catch(() => undefined)
  await cloud?.stop()
}

async function demonstrate(): Promise<string[]> {
  const stage = await prepare()
  const answers = await ask(stage)
  console.log(`\n${reportOf(answers)}\n`)
  return check(stage, answers)
}

async function prepare(): Promise<Stage> {
  const tasks = new Listr<Stage>(
    [
      {
        title: 'Start the local cloud',
        task: async (stage) => {
          starting = startLocalCloud()
          stage.cloud = await starting
        },
      },
      {
        title: 'Deploy the stack (cdk bootstrap, cdk deploy)',
        task: async (stage) => {
          stage.outputs = await stage.cloud.deploy()
        },
      },
      {
        title: 'Upload the recorded run as its trainer did',
        task: (stage, task) => upload(stage, (text) => show(task, text)),
      },
      {
        title: 'Wait until the hub has settled',
        task: (stage, task) =>
          settled(stage.cloud, stage.outputs, {
            onPoll: ({ messages, effects }) =>
              show(
                task,
                `${messages['events']} events, ${messages['jobs']} jobs, ${effects} effects`,
              ),
          }),
      },
    ],
    {
      registerSignalListeners: false,
      fallbackRendererCondition: () => !process.stdout.isTTY,
      rendererOptions: { collapseSubtasks: false },
    },
  )
  return tasks.run()
}

function show(task: { output: string }, text: string): void {
  if (process.stdout.isTTY) task.output = text
}

async function upload(stage: Stage, onProgress: (text: string) => void): Promise<void> {
  const s3 = new S3Client({ ...stage.cloud.clientConfig, forcePathStyle: true })
  const { order } = await readRecording()
  for (const [index, each] of order.entries()) {
    onProgress(
      `${'█'.repeat(Math.ceil((20 * (index + 1)) / order.length)).padEnd(20, '░')} ${each.key}`,
    )
    await s3.send(
      new PutObjectCommand({
        Bucket: stage.outputs.BucketName,
        Key: `${RUN}/${each.key}`,
        Body: await uploadBody(each),
      }),
    )
  }
}

async function ask(stage: Stage): Promise<Answers> {
  const { expected } = await readRecording()
  const metrics = expected.arguments['save_best'] as string[]
  const best = metrics.map((metric) => question(stage, 'best', { metric }))
  return {
    run: runSchema.parse(await question(stage, 'run')),
    best: (await Promise.all(best)).map((answer) => bestSchema.parse(answer)),
    published: publishedSchema.parse(await question(stage, 'published')).published,
  }
}

async function question(
  { cloud, outputs }: Stage,
  path: string,
  parameters: Record<string, string> = {},
): Promise<unknown> {
  const query = new URLSearchParams({ run: RUN, ...parameters })
  const answer = await signedFetch(`${cloud.queryUrl(outputs)}${path}?${query}`, cloud)
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
  return answer.json()
}

async function check({ cloud, outputs }: Stage, answers: Answers): Promise<string[]> {
  const { expected } = await readRecording()
  const left = await leftByHub(cloud.clientConfig, outputs, RUN, 'epoch_{}.pth')
  const complaints = differences(left, expected.left)
  if (complaints.length === 0) {
    const files = left.checkpoints.length + left.best.length + left.published.length
    console.log(`✓ ${files} files and the message hub are what MMEngine's own hook left`)
  }
  complaints.push(
    ...answers.run.problems.map(({ key, field, reason }) => `${key}: ${field}: ${reason}`),
  )
  for (const { object, url } of answers.published) {
    const complaint = await checkDownload(url, object)
    if (complaint === undefined) console.log(`✓ ${object.key}: downloaded, its name is its hash`)
    else complaints.push(complaint)
  }
  return complaints
}

async function checkDownload(
  url: string,
  { key, size_bytes, sha256 }: { key: string; size_bytes: number; sha256: string },
): Promise<string | undefined> {
  const answer = await fetch(url)
  const bytes = Buffer.from(await answer.arrayBuffer())
  const hash = createHash('sha256').update(bytes).digest('hex')
  if (!answer.ok) return `${key}: its signed URL answered ${answer.status}`
  if (bytes.byteLength !== size_bytes)
    return `${key}: ${bytes.byteLength} bytes came of ${size_bytes}`
  if (hash !== sha256) return `${key}: the hub recorded the hash ${sha256}, and it is ${hash}`
  if (!key.endsWith(`-${hash.slice(0, 8)}.pth`))
    return `${key}: is not named after its hash ${hash}`
  return undefined
}
