/** `npm run local`: the local cloud with the stack in it, until Ctrl-C. */
import { Listr } from 'listr2'
import { type LocalCloud, type StackOutputs, startLocalCloud } from './cloud.ts'

let starting: Promise<LocalCloud> | undefined
let leaving = false

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // A second Ctrl-C does not wait: the emulator ends with this process in any case.
    if (leaving) process.exit(1)
    leaving = true
    void leave()
  })
}

try {
  await stay()
} catch (error) {
  // What was asked to end while it came up has not failed.
  if (!leaving) {
    console.error(error instanceof Error ? error.message : error)
    await leave(1)
  }
}

async function stay(): Promise<void> {
  const progress = new Listr<{ cloud?: LocalCloud; outputs?: StackOutputs }>(
    [
      {
        title: 'Start the emulator',
        task: async (context) => {
          starting = startLocalCloud()
          context.cloud = await starting
        },
      },
      {
        title: 'Deploy the stack (cdk bootstrap, cdk deploy)',
        task: async (context) => {
          const outputs = await context.cloud?.deploy()
          if (outputs !== undefined) context.outputs = outputs
        },
      },
    ],
    { registerSignalListeners: false, fallbackRendererCondition: () => !process.stdout.isTTY },
  )
  const { cloud, outputs } = await progress.run()
  if (cloud !== undefined && outputs !== undefined) console.log(instructions(cloud, outputs))
}

async function leave(exitCode = 0): Promise<never> {
  if (exitCode === 0) console.log('\nStopping.')
  const cloud = await starting?.catch(() => undefined)
  await cloud?.stop()
  process.exit(exitCode)
}

function instructions(cloud: LocalCloud, outputs: StackOutputs): string {
  const { accessKeyId, secretAccessKey } = cloud.credentials
  const run = 'work_dirs/my-run'
  const entry = JSON.stringify({ run: { S: run }, entry: { S: 'runtime_info' } })
  return `
Checkpoint Hub is up. Ctrl-C stops it; nothing in it lasts.

  endpoint  ${cloud.endpoint}
  bucket    ${outputs.BucketName}
  table     ${outputs.TableName}

Point any AWS client at it:

${Object.entries(cloud.environment)
  .map(([name, value]) => `  export ${name}=${value}`)
  .join('\n')}

Upload as a trainer does:

  aws s3 cp epoch_1.pth s3://${outputs.BucketName}/${run}/epoch_1.pth
  aws s3 sync ${run} s3://${outputs.BucketName}/${run}

Ask what the hub has made of it:

  aws dynamodb get-item --table-name ${outputs.TableName} \\
    --key '${entry}'
  curl --aws-sigv4 aws:amz:${cloud.region}:lambda --user ${accessKeyId}:${secretAccessKey} \\
    ${cloud.queryUrl(outputs)}
`
}
