/** Calls as the hub makes them, and their answers without what differs from one service to the next. */
import {
  type DynamoDBClient,
  QueryCommand,
  TransactGetItemsCommand,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'

type Answers = Map<string, unknown>

/** Of an answer of S3 what the hub reads. */
const READ = [
  'ETag',
  'ContentLength',
  'ContentRange',
  'Metadata',
  'DeleteMarker',
  'IsTruncated',
  'Status',
  'ChecksumSHA256',
] as const

/** Tells S3 what the hub may ask of it. */
export async function tellS3(s3: S3Client, bucketName: string): Promise<Answers> {
  const answers: Answers = new Map()
  const ids = new Map<string, string>()
  const nameOf = (id: unknown): string | undefined => {
    if (typeof id !== 'string') return undefined
    if (!ids.has(id)) ids.set(id, `id ${ids.size + 1}`)
    return ids.get(id)
  }
  // biome-ignore lint/suspicious/noExplicitAny: answers of all kinds, of which some fields are read
  const ask = async (call: string, command: object): Promise<any> => {
    try {
      // biome-ignore lint/suspicious/noExplicitAny: as above
      const answer: any = await s3.send(command as never)
      answers.set(call, await shown(answer, nameOf))
      return answer
    } catch (error) {
      answers.set(call, failure(error))
      return {}
    }
  }
  const Bucket = bucketName
  const at = (Key: string) => ({ Bucket, Key })
  const from = (key: string, versionId: string) => ({
    CopySource: `${Bucket}/${key}?versionId=${encodeURIComponent(versionId)}`,
  })
  const bytes = (text: string) => new TextEncoder().encode(text)

  await ask('versioning', new GetBucketVersioningCommand({ Bucket }))
  const one = await ask('put', new PutObjectCommand({ ...at('a b/x'), Body: bytes('one') }))
  await ask(
    'put if absent',
    new PutObjectCommand({ ...at('a b/x'), Body: bytes('two'), IfNoneMatch: '*' }),
  )
  await ask(
    'put if match',
    new PutObjectCommand({
      ...at('a b/x'),
      Body: bytes('two'),
      IfMatch: one.ETag,
      Metadata: { by: 'me' },
    }),
  )
  await ask(
    'put if another',
    new PutObjectCommand({ ...at('a b/x'), Body: bytes('three'), IfMatch: one.ETag }),
  )
  await ask(
    'put if match nothing',
    new PutObjectCommand({ ...at('none'), Body: bytes('1'), IfMatch: one.ETag }),
  )
  await ask('head', new HeadObjectCommand(at('a b/x')))
  await ask('head nothing', new HeadObjectCommand(at('none')))
  await ask('head a version', new HeadObjectCommand({ ...at('a b/x'), VersionId: one.VersionId }))
  await ask('get a range', new GetObjectCommand({ ...at('a b/x'), Range: 'bytes=1-1' }))
  await ask(
    'get a range past the end',
    new GetObjectCommand({ ...at('a b/x'), Range: 'bytes=1-99' }),
  )
  await ask('get behind the end', new GetObjectCommand({ ...at('a b/x'), Range: 'bytes=50-99' }))
  await ask('get a version', new GetObjectCommand({ ...at('a b/x'), VersionId: one.VersionId }))
  await ask('get if another', new GetObjectCommand({ ...at('a b/x'), IfMatch: one.ETag }))
  await ask('get nothing', new GetObjectCommand(at('none')))
  await ask('delete if another', new DeleteObjectCommand({ ...at('a b/x'), IfMatch: one.ETag }))
  await ask('delete if nothing', new DeleteObjectCommand({ ...at('none'), IfMatch: one.ETag }))
  const two = await ask('head again', new HeadObjectCommand(at('a b/x')))
  await ask('delete if match', new DeleteObjectCommand({ ...at('a b/x'), IfMatch: two.ETag }))
  await ask(
    'delete if match a marker',
    new DeleteObjectCommand({ ...at('a b/x'), IfMatch: two.ETag }),
  )
  await ask('head below a marker', new HeadObjectCommand(at('a b/x')))
  await ask('list', new ListObjectVersionsCommand({ Bucket, Prefix: 'a b/' }))
  await ask(
    'copy if absent',
    new CopyObjectCommand({
      ...at('a b/x'),
      ...from('a%20b/x', one.VersionId),
      IfNoneMatch: '*',
      MetadataDirective: 'REPLACE',
      Metadata: { again: 'yes' },
    }),
  )
  await ask('head after the copy', new HeadObjectCommand(at('a b/x')))
  await ask('list folders', new ListObjectVersionsCommand({ Bucket, Delimiter: '/' }))
  const { UploadId } = await ask(
    'begin',
    new CreateMultipartUploadCommand({ ...at('parts'), Metadata: { by: 'me' } }),
  )
  const upload = { ...at('parts'), UploadId }
  const part = await ask(
    'part',
    new UploadPartCommand({ ...upload, PartNumber: 2, Body: bytes('of two') }),
  )
  await ask(
    'part by copy',
    new UploadPartCopyCommand({
      ...upload,
      PartNumber: 1,
      ...from('a%20b/x', one.VersionId),
      CopySourceRange: 'bytes=0-1',
    }),
  )
  await ask('parts', new ListPartsCommand(upload))
  await ask('uploads', new ListMultipartUploadsCommand({ Bucket, Prefix: 'parts' }))
  await ask(
    'complete with another part',
    new CompleteMultipartUploadCommand({
      ...upload,
      MultipartUpload: { Parts: [{ PartNumber: 3, ETag: part.ETag }] },
    }),
  )
  await ask(
    'complete',
    new CompleteMultipartUploadCommand({
      ...upload,
      IfNoneMatch: '*',
      MultipartUpload: { Parts: [{ PartNumber: 2, ETag: part.ETag }] },
    }),
  )
  await ask('head of parts', new HeadObjectCommand(at('parts')))
  await ask('parts of nothing', new ListPartsCommand({ ...upload, UploadId: 'none' }))
  const other = await ask('begin another', new CreateMultipartUploadCommand(at('parts')))
  await ask('abort', new AbortMultipartUploadCommand({ ...at('parts'), UploadId: other.UploadId }))
  await ask(
    'abort again',
    new AbortMultipartUploadCommand({ ...at('parts'), UploadId: other.UploadId }),
  )
  // Last come calls that some store answers otherwise than AWS documents.
  await ask(
    'copy with a hash',
    new CopyObjectCommand({
      ...at('y'),
      ...from('a%20b/x', one.VersionId),
      ChecksumAlgorithm: 'SHA256',
    }),
  )
  const last = await ask('begin the last', new CreateMultipartUploadCommand(at('parts at last')))
  const lastPart = await ask(
    'part of the last',
    new UploadPartCommand({
      ...at('parts at last'),
      UploadId: last.UploadId,
      PartNumber: 2,
      Body: bytes('2'),
    }),
  )
  await ask(
    'complete if nothing',
    new CompleteMultipartUploadCommand({
      ...at('parts at last'),
      UploadId: last.UploadId,
      IfMatch: one.ETag,
      MultipartUpload: { Parts: [{ PartNumber: 2, ETag: lastPart.ETag }] },
    }),
  )
  await ask(
    'copy if absent, again',
    new CopyObjectCommand({
      ...at('a b/x'),
      ...from('a%20b/x', one.VersionId),
      IfNoneMatch: '*',
      MetadataDirective: 'REPLACE',
    }),
  )
  await ask(
    'copy of another',
    new CopyObjectCommand({
      ...at('z'),
      ...from('a%20b/x', one.VersionId),
      CopySourceIfMatch: two.ETag,
    }),
  )
  return answers
}

// biome-ignore lint/suspicious/noExplicitAny: answers of all kinds, of which some fields are read
async function shown(answer: any, nameOf: (id: unknown) => string | undefined): Promise<unknown> {
  const read = Object.fromEntries(
    READ.filter((name) => answer[name] !== undefined).map((name) => [name, answer[name]]),
  )
  const row = ({ Key, VersionId, IsLatest, ETag, Size }: Record<string, unknown>) => ({
    Key,
    VersionId: nameOf(VersionId),
    IsLatest,
    ETag,
    Size,
  })
  return {
    ...read,
    VersionId: nameOf(answer.VersionId),
    copied: answer.CopyObjectResult?.ETag ?? answer.CopyPartResult?.ETag,
    hash: answer.CopyObjectResult?.ChecksumSHA256,
    text: await answer.Body?.transformToString(),
    versions: answer.Versions?.map(row),
    markers: answer.DeleteMarkers?.map(row),
    folders: answer.CommonPrefixes,
    parts: answer.Parts?.map(({ PartNumber, ETag, Size }: Record<string, unknown>) => ({
      PartNumber,
      ETag,
      Size,
    })),
    uploads: answer.Uploads?.map(({ Key }: Record<string, unknown>) => Key),
  }
}

/** By the status, and of 404 by what is not there: that is what the hub tells errors by. */
function failure(error: unknown): unknown {
  if (error instanceof TransactionCanceledException) {
    return { cancelled: error.CancellationReasons?.map(({ Code }) => Code) }
  }
  const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } }
  const status = $metadata?.httpStatusCode
  return { status, ...(status === 404 && { isUpload: name === 'NoSuchUpload' }) }
}

/** Tells DynamoDB what the hub may ask of it. */
export async function tellDynamodb(dynamodb: DynamoDBClient, TableName: string): Promise<Answers> {
  const answers: Answers = new Map()
  const put = (entry: string, more: object, condition: object = {}): TransactWriteItem => ({
    Put: { TableName, Item: marshall({ run: 'run', entry, ...more }), ...condition },
  })
  const write = async (call: string, ...TransactItems: TransactWriteItem[]) => {
    try {
      await dynamodb.send(new TransactWriteItemsCommand({ TransactItems }))
      answers.set(call, 'done')
    } catch (error) {
      answers.set(call, failure(error))
    }
  }
  const query = async (call: string, condition: string, values: object, more: object = {}) => {
    const { Items = [] } = await dynamodb.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: condition,
        ...(condition.includes('#run') && { ExpressionAttributeNames: { '#run': 'run' } }),
        ExpressionAttributeValues: marshall(values),
        ...more,
      }),
    )
    answers.set(
      call,
      Items.map((item) => Object.entries(unmarshall(item)).toSorted()),
    )
  }
  const isNew = {
    ConditionExpression: 'attribute_not_exists(#version)',
    ExpressionAttributeNames: { '#version': 'version' },
  }
  const isVersion = (version: number) => ({
    ConditionExpression: '#version = :version',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: marshall({ ':version': version }),
  })
  await write('first', put('runtime_info', { version: 1 }, isNew), put('step#2', { fate: 'kept' }))
  await write('first, again', put('runtime_info', { version: 1 }, isNew), put('step#3', {}))
  await write(
    'next',
    put('runtime_info', { version: 2 }, isVersion(1)),
    put('effect#1', { pending: 'effects', due: '2026-01-01' }),
  )
  await write('next, again', put('runtime_info', { version: 2 }, isVersion(1)), put('step#3', {}))
  await write('one item twice', put('step#4', { a: 1 }), put('step#4', { a: 2 }))
  await query('all', '#run = :run', { ':run': 'run' }, { ConsistentRead: true })
  await query('one', '#run = :run AND entry = :entry', { ':run': 'run', ':entry': 'step#2' })
  await query('none', '#run = :run', { ':run': 'other' })
  const read = async (call: string, ...entries: string[]) => {
    const TransactItems = entries.map((entry) => ({
      Get: { TableName, Key: marshall({ run: 'run', entry }) },
    }))
    const reading = dynamodb.send(new TransactGetItemsCommand({ TransactItems }))
    answers.set(
      call,
      await reading.then(
        ({ Responses = [] }) =>
          Responses.map(({ Item }) => Item && Object.entries(unmarshall(Item)).toSorted()),
        (error: Error) => error.name,
      ),
    )
  }
  await read('at one moment', 'step#2', 'none', 'runtime_info')
  await query(
    'the outbox',
    'pending = :effects AND due < :before',
    { ':effects': 'effects', ':before': '2026-02-01' },
    { IndexName: 'outbox' },
  )
  await query(
    'the outbox before',
    'pending = :effects AND due < :before',
    { ':effects': 'effects', ':before': '2025-02-01' },
    { IndexName: 'outbox' },
  )
  await write('deleted', {
    Delete: { TableName, Key: marshall({ run: 'run', entry: 'effect#1' }) },
  })
  await query(
    'the outbox at last',
    'pending = :effects AND due < :before',
    { ':effects': 'effects', ':before': '2026-02-01' },
    { IndexName: 'outbox' },
  )
  const unlessAnothers = {
    ConditionExpression: 'attribute_not_exists(#by) OR #by = :run',
    ExpressionAttributeNames: { '#by': 'by' },
  }
  const ofRun = (run: string) => ({
    ...unlessAnothers,
    ExpressionAttributeValues: marshall({ ':run': run }),
  })
  await write('claimed', put('claim', { by: 'a' }, ofRun('a')))
  await write('claimed again', put('claim', { by: 'a' }, ofRun('a')))
  await write('claimed by another', put('claim', { by: 'b' }, ofRun('b')))
  const isNoRun = {
    ConditionExpression: 'attribute_not_exists(#run)',
    ExpressionAttributeNames: { '#run': 'run' },
  }
  const check = (run: string): TransactWriteItem => ({
    ConditionCheck: { TableName, Key: marshall({ run, entry: 'runtime_info' }), ...isNoRun },
  })
  await write('checked', check('other'), put('step#5', {}))
  await write('checked in vain', put('step#6', {}), check('run'))
  return answers
}
