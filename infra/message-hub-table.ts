/** The message hub: one table, and the three questions that its keys alone do not answer. */
import { RemovalPolicy } from 'aws-cdk-lib'
import { AttributeType, BillingMode, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb'
import type { Construct } from 'constructs'

const text = (name: string) => ({ name, type: AttributeType.STRING })

/** The table, kept when the stack goes, and restorable to any second of the last 35 days. */
export function messageHubTableOf(scope: Construct, deletionProtection: boolean): Table {
  const table = new Table(scope, 'MessageHub', {
    partitionKey: text('run'),
    sortKey: text('entry'),
    billingMode: BillingMode.PAY_PER_REQUEST,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection,
    removalPolicy: RemovalPolicy.RETAIN,
  })
  // Which runs are there, the newest upload first?
  table.addGlobalSecondaryIndex({
    indexName: 'runs',
    partitionKey: text('listed'),
    sortKey: text('last_upload'),
    projectionType: ProjectionType.ALL,
  })
  // Which run is best by this metric?
  table.addGlobalSecondaryIndex({
    indexName: 'leaderboard',
    partitionKey: text('metric'),
    sortKey: text('score_rank'),
    projectionType: ProjectionType.ALL,
  })
  // Which effects are due? Only entries with a `pending` are in it, so it is empty in a settled hub.
  table.addGlobalSecondaryIndex({
    indexName: 'outbox',
    partitionKey: text('pending'),
    sortKey: text('due'),
    projectionType: ProjectionType.KEYS_ONLY,
  })
  return table
}
