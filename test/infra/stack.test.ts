import { Match } from 'aws-cdk-lib/assertions'
import { describe, expect, test } from 'vitest'
import { parseOutputs } from '../../cli/stack/outputs.ts'
import { synthesised } from './synthesised.ts'

const template = synthesised()

describe('the bucket', () => {
  test('keeps every version, encrypted, away from the public, and outlives the stack', () => {
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        VersioningConfiguration: { Status: 'Enabled' },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [
            { ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } },
          ],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
      },
    })
  })

  test('refuses requests without TLS', () => {
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: { Statement: [Match.objectLike(WITHOUT_TLS)] },
    })
  })

  test('forgets evicted versions after 30 days, staging ones after one, stale uploads after a week', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: {
        Rules: [
          Match.objectLike({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } }),
          Match.objectLike({ NoncurrentVersionExpiration: { NoncurrentDays: 30 } }),
          Match.objectLike({
            Prefix: '.checkpoint-hub/staging/',
            ExpirationInDays: 1,
            NoncurrentVersionExpiration: { NoncurrentDays: 1 },
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
          }),
        ],
      },
    })
    synthesised({ noncurrentDays: 7 }).hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          Match.objectLike({ NoncurrentVersionExpiration: { NoncurrentDays: 7 } }),
        ]),
      },
    })
  })

  test('never lets a current object outside staging expire', () => {
    const [bucket] = Object.values(template.findResources('AWS::S3::Bucket'))
    const rules: Record<string, unknown>[] =
      bucket?.['Properties'].LifecycleConfiguration.Rules ?? []
    const expiring = rules.filter((rule) => 'ExpirationInDays' in rule || 'ExpirationDate' in rule)
    expect(expiring.map((rule) => rule['Prefix'])).toEqual(['.checkpoint-hub/staging/'])
  })

  test('announces created and removed objects to the Events queue, once that may be sent to', () => {
    const [bucket] = Object.values(template.findResources('AWS::S3::Bucket'))
    const { QueueConfigurations } = bucket?.['Properties'].NotificationConfiguration ?? {}
    expect(QueueConfigurations).toMatchObject([
      { Event: 's3:ObjectCreated:*' },
      { Event: 's3:ObjectRemoved:*' },
    ])
    expect(bucket?.['DependsOn']).toContainEqual(
      expect.stringMatching(/^HubEventsQueuePolicy[0-9A-F]+$/),
    )
    template.resourcePropertiesCountIs(
      'AWS::SQS::QueuePolicy',
      {
        PolicyDocument: {
          Statement: Match.arrayWith([
            Match.objectLike({
              Principal: { Service: 's3.amazonaws.com' },
              Action: 'sqs:SendMessage',
              Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
            }),
          ]),
        },
      },
      1,
    )
  })

  test('with a key prefix, announces only what is under it, and the hub’s own facts', () => {
    const [bucket] = Object.values(
      synthesised({ keyPrefix: 'exps/' }).findResources('AWS::S3::Bucket'),
    )
    const configurations: { Filter: { S3Key: { Rules: { Value: string }[] } } }[] =
      bucket?.['Properties'].NotificationConfiguration.QueueConfigurations ?? []
    expect(configurations.map(({ Filter }) => Filter.S3Key.Rules[0]?.Value)).toEqual([
      'exps/',
      'exps/',
      '.checkpoint-hub/facts/',
      '.checkpoint-hub/facts/',
    ])
  })
})

describe('the queues', () => {
  test('are two, each with a dead-letter queue after five attempts', () => {
    template.resourceCountIs('AWS::SQS::Queue', 4)
    template.resourcePropertiesCountIs(
      'AWS::SQS::Queue',
      { RedrivePolicy: { maxReceiveCount: 5 } },
      2,
    )
  })

  test('are encrypted, and refuse requests without TLS', () => {
    template.allResourcesProperties('AWS::SQS::Queue', { SqsManagedSseEnabled: true })
    template.resourceCountIs('AWS::SQS::QueuePolicy', 4)
    template.allResourcesProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: { Statement: Match.arrayWith([Match.objectLike(WITHOUT_TLS)]) },
    })
  })

  test('hide a message for six times the time-out of the function that has it', () => {
    const settled = synthesised({ ingestTimeoutSeconds: 60, publishTimeoutSeconds: 300 })
    settled.hasResourceProperties('AWS::SQS::Queue', { VisibilityTimeout: 360 })
    settled.hasResourceProperties('AWS::SQS::Queue', { VisibilityTimeout: 1800 })
  })

  test('hand over batches of which single messages can fail', () => {
    template.allResourcesProperties('AWS::Lambda::EventSourceMapping', {
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    })
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', { BatchSize: 10 })
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', { BatchSize: 1 })
  })
})

describe('the message hub', () => {
  test('is on demand, restorable to a point in time, protected, and outlives the stack', () => {
    template.hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        BillingMode: 'PAY_PER_REQUEST',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: true,
        KeySchema: [
          { AttributeName: 'run', KeyType: 'HASH' },
          { AttributeName: 'entry', KeyType: 'RANGE' },
        ],
      },
    })
  })

  test.each([
    ['runs', 'listed', 'last_upload', 'ALL'],
    ['leaderboard', 'metric', 'score_rank', 'ALL'],
    ['outbox', 'pending', 'due', 'KEYS_ONLY'],
  ])('has the index %s, by %s and %s', (IndexName, hash, range, ProjectionType) => {
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      GlobalSecondaryIndexes: Match.arrayWith([
        {
          IndexName,
          KeySchema: [
            { AttributeName: hash, KeyType: 'HASH' },
            { AttributeName: range, KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType },
        },
      ]),
    })
  })
})

describe('the functions', () => {
  test('are four, on Node 24 and ARM, and their logs expire', () => {
    template.resourceCountIs('AWS::Lambda::Function', 4)
    template.allResourcesProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      LoggingConfig: { LogGroup: Match.anyValue() },
    })
    template.resourceCountIs('AWS::Logs::LogGroup', 4)
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 })
  })

  test('know the stack by their environment', () => {
    const settled = synthesised({
      hookArguments: { interval: 2 },
      keyPrefix: 'exps/',
      outBuckets: ['exports', 'more-exports'],
      allowedGlobals: ['my.project.Thing', 'own.Config'],
      noncurrentDays: 7,
      brake: 3,
      publishTimeoutSeconds: 600,
    })
    settled.allResourcesProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: {
          TABLE_NAME: Match.anyValue(),
          BUCKET_NAME: Match.anyValue(),
          KEY_PREFIX: 'exps/',
          OUT_BUCKETS: 'exports,more-exports',
          ALLOWED_GLOBALS: 'my.project.Thing,own.Config',
          DEFAULT_HOOK_ARGUMENTS: '{"interval":2}',
          NONCURRENT_DAYS: '7',
          BRAKE: '3',
          PUBLISH_TIMEOUT_SECONDS: '600',
        },
      },
    })
  })

  test('the sweep runs every five minutes', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(5 minutes)',
      State: 'ENABLED',
    })
  })

  test('no custom resource is made', () => {
    const types = Object.values(template.toJSON()['Resources']).map(
      (resource) => (resource as { Type: string }).Type,
    )
    expect(types.filter((type) => /^(Custom::|AWS::CloudFormation::)/.test(type))).toEqual([])
  })

  test('it says in its outputs what the command asks of them, and its settings', () => {
    const set = { hookArguments: { interval: 2 }, brake: 3, keyPrefix: 'exps/', noncurrentDays: 7 }
    const outputs = synthesised(set).findOutputs('*') as Record<string, { Value: unknown }>
    const Outputs = Object.entries(outputs).map(([OutputKey, { Value }]) => ({
      OutputKey,
      // Names are known once the stack is made.
      OutputValue: typeof Value === 'string' ? Value : OutputKey,
    }))
    const stack = { StackName: 'any', CreationTime: undefined, StackStatus: undefined, Outputs }
    expect(parseOutputs('any', stack).settings).toEqual({ ...set, outBuckets: [] })
  })
})

const WITHOUT_TLS = {
  Effect: 'Deny',
  Principal: { AWS: '*' },
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
}
