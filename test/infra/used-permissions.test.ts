import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { describe, expect, test } from 'vitest'
import { type FunctionName, PERMISSIONS } from '../../infra/permissions.ts'

/** Which permissions a call needs, by the service authorization reference. */
const ACTIONS_OF_COMMAND: Record<string, readonly string[]> = {
  PutObject: ['s3:PutObject'],
  CopyObject: ['s3:PutObject', 's3:GetObject', 's3:GetObjectVersion'],
  DeleteObject: ['s3:DeleteObject'],
  CreateMultipartUpload: ['s3:PutObject'],
  UploadPart: ['s3:PutObject'],
  UploadPartCopy: ['s3:PutObject', 's3:GetObject', 's3:GetObjectVersion'],
  CompleteMultipartUpload: ['s3:PutObject'],
  AbortMultipartUpload: ['s3:AbortMultipartUpload'],
  ListObjectVersions: ['s3:ListBucketVersions'],
  ListObjectsV2: ['s3:ListBucket'],
  ListMultipartUploads: ['s3:ListBucketMultipartUploads'],
  ListParts: ['s3:ListMultipartUploadParts'],
  GetBucketVersioning: ['s3:GetBucketVersioning'],
  GetItem: ['dynamodb:GetItem'],
  BatchGetItem: ['dynamodb:BatchGetItem'],
  TransactGetItems: ['dynamodb:GetItem'],
  Query: ['dynamodb:Query'],
  PutItem: ['dynamodb:PutItem'],
  UpdateItem: ['dynamodb:UpdateItem'],
  DeleteItem: ['dynamodb:DeleteItem'],
  BatchWriteItem: ['dynamodb:BatchWriteItem'],
  SendMessage: ['sqs:SendMessage'],
  SendMessageBatch: ['sqs:SendMessage'],
  ChangeMessageVisibility: ['sqs:ChangeMessageVisibility'],
}
/** A transaction is authorised through its parts, which are told by their key in the request. */
const ACTIONS_OF_PART: Record<string, string> = {
  Put: 'dynamodb:PutItem',
  Update: 'dynamodb:UpdateItem',
  Delete: 'dynamodb:DeleteItem',
  ConditionCheck: 'dynamodb:ConditionCheckItem',
}
/** A command that is sent, or a paginator of its name; the bundler numbers names that it has twice. */
const CALLS = /\b(?:new (\w+)Command|paginate([A-Za-z]+?(?:V2)?))\d*\(/g
/** Used by Lambda on the function's behalf, or by S3 to answer 404 in place of 403. */
const WITHOUT_A_CALL =
  /^(logs:|sqs:(ReceiveMessage|DeleteMessage|GetQueueAttributes)$|s3:ListBucket$)/

const calls: Record<FunctionName, Set<string>> = {
  ingest: await actionsCalledBy('ingest'),
  publish: await actionsCalledBy('publish'),
  query: await actionsCalledBy('query'),
  sweep: await actionsCalledBy('sweep'),
}

describe.each(Object.keys(calls) as FunctionName[])('%s', (name) => {
  const called = calls[name]
  const granted = grantedTo(name)

  test('every call that its code makes is permitted', () => {
    expect(called.size).toBeGreaterThan(0)
    expect([...called].filter((action) => !granted.has(action))).toEqual([])
  })

  test('every permission that it has is used by its code', () => {
    const unused = [...granted].filter(
      (action) => !called.has(action) && !WITHOUT_A_CALL.test(action),
    )
    expect(unused).toEqual([])
  })
})

/** Actions, those on an index with its name. */
function grantedTo(name: FunctionName): Set<string> {
  return new Set(
    PERMISSIONS[name].flatMap(({ actions, on }) =>
      actions.flatMap((action) =>
        on.map((resource) => (resource.startsWith('index/') ? `${action} ${resource}` : action)),
      ),
    ),
  )
}

/** Reads the function's code after esbuild has dropped what the function cannot reach. */
async function actionsCalledBy(name: FunctionName): Promise<Set<string>> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../../functions/${name}.ts`, import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    treeShaking: true,
  })
  const code = outputFiles[0]?.text ?? ''
  const actions = new Set<string>()
  for (const [, made, paged] of code.matchAll(CALLS)) {
    const command = made ?? paged
    if (command === 'TransactWriteItems') {
      for (const [part, action] of Object.entries(ACTIONS_OF_PART)) {
        if (new RegExp(`\\b${part}: `).test(code)) actions.add(action)
      }
      continue
    }
    if (command === 'GetObject' || command === 'HeadObject') {
      for (const action of readsOf(code, command)) actions.add(action)
      continue
    }
    const needed = ACTIONS_OF_COMMAND[command ?? '']
    if (needed === undefined) throw new Error(`which permissions does ${command} need?`)
    for (const action of needed) actions.add(action)
  }
  for (const [, index] of code.matchAll(/\bIndexName: "(\w+)"/g)) {
    actions.add(`dynamodb:Query index/${index}`)
  }
  return actions
}

/** A read that names a version needs another permission than one that does not. */
function readsOf(code: string, command: string): string[] {
  const calls = [...code.matchAll(new RegExp(`new ${command}Command\\d*\\(\\{[^}]*\\}`, 'g'))]
  return calls.map(([call]) =>
    /\bVersionId\b/.test(call) ? 's3:GetObjectVersion' : 's3:GetObject',
  )
}
