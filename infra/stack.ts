/** The stack: Checkpoint Hub, and what a person or a client needs to know of it as outputs. */
import { CfnOutput, Stack } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { CheckpointHub } from './checkpoint-hub.ts'
import type { Settings } from './settings.ts'

export class CheckpointHubStack extends Stack {
  readonly hub: CheckpointHub

  constructor(scope: Construct, { stackName, ...settings }: Settings) {
    super(scope, stackName, {
      stackName,
      description: "Checkpoint Hub: a training framework's checkpoint hook, moved into the bucket",
    })
    this.hub = new CheckpointHub(this, 'Hub', settings)
    const { bucket, table, events, jobs, functions, queryUrl } = this.hub
    const outputs = {
      BucketName: bucket.bucketName,
      TableName: table.tableName,
      QueryUrl: queryUrl.url,
      EventsQueueUrl: events.queue.queueUrl,
      EventsDlqUrl: events.deadLetters.queueUrl,
      JobsQueueUrl: jobs.queue.queueUrl,
      JobsDlqUrl: jobs.deadLetters.queueUrl,
      IngestFunctionName: functions.ingest.functionName,
      PublishFunctionName: functions.publish.functionName,
      QueryFunctionName: functions.query.functionName,
      SweepFunctionName: functions.sweep.functionName,
    }
    // What the functions have in their environment, for whoever decides as they do without changing anything.
    const { hookArguments, noncurrentDays, brake, keyPrefix, outBuckets } = settings
    const Settings = JSON.stringify({
      hook_arguments: hookArguments,
      noncurrent_days: noncurrentDays,
      brake,
      key_prefix: keyPrefix,
      out_buckets: outBuckets,
    })
    for (const [name, value] of Object.entries({ ...outputs, Settings }))
      new CfnOutput(this, name, { value })
  }
}
