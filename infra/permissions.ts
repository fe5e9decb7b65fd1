/**
 * What each function may do, as data: the stack makes a role of it, and a test holds it to this list.
 *
 * A resource is named, never `*`. Every statement says what it is for, so that one which is no longer
 * used is seen. Not here, because no function has it: `s3:DeleteObjectVersion`.
 */

export type FunctionName = 'ingest' | 'publish' | 'query' | 'sweep'

/**
 * The things that a statement can name. `objects` are the keys that the hub looks at; `out-buckets` are what
 * `out_dir` may name beside the stack's own bucket, none by default.
 */
export type Resource =
  | 'bucket'
  | 'objects'
  | 'out-buckets'
  | 'out-objects'
  | 'table'
  | 'index/runs'
  | 'index/leaderboard'
  | 'index/outbox'
  | 'events-queue'
  | 'events-dlq'
  | 'jobs-queue'
  | 'jobs-dlq'
  | 'log-group'

/**
 * `if-match`: only with an `If-Match` header that names one ETag.
 * `prefix`: where the stack has a key prefix, only lists of keys under it.
 */
export type Condition = 'if-match' | 'prefix'

export interface Permission {
  readonly sid: string
  readonly actions: readonly string[]
  readonly on: readonly Resource[]
  readonly why: string
  readonly condition?: Condition
}

const WRITE_LOG: Permission = {
  sid: 'WriteLog',
  actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  on: ['log-group'],
  why: 'the function writes its own log',
}

const READ_UPLOADS: readonly Permission[] = [
  {
    sid: 'ReadUploads',
    actions: ['s3:GetObject', 's3:GetObjectVersion'],
    on: ['objects', 'out-objects'],
    why: 'an event is a hint: the object itself, in the version that was uploaded, is what counts',
  },
  {
    sid: 'ListVersions',
    actions: ['s3:ListBucketVersions'],
    on: ['bucket'],
    why: 'finds uploads whose event named no version, and the versions under a delete marker',
    condition: 'prefix',
  },
  {
    sid: 'ListVersionsInOutBuckets',
    actions: ['s3:ListBucketVersions'],
    on: ['out-buckets'],
    why: 'what lies under the name of a file that was made, and may be somebody else’s',
  },
  {
    sid: 'TellAbsentFromForbidden',
    actions: ['s3:ListBucket'],
    on: ['bucket', 'out-buckets'],
    why: 'without it S3 answers 403, not 404, for a key that does not exist',
  },
]

const CHANGE_OBJECTS: readonly Permission[] = [
  {
    sid: 'SeeVersioning',
    actions: ['s3:GetBucketVersioning'],
    on: ['bucket', 'out-buckets'],
    why: 'where the bucket keeps no versions, nothing is deleted',
  },
  {
    sid: 'WriteObjects',
    actions: ['s3:PutObject'],
    on: ['objects', 'out-objects'],
    why: 'last_checkpoint, best and published copies, and the restore of an evicted version',
  },
  {
    sid: 'AbortUploads',
    actions: ['s3:AbortMultipartUpload'],
    on: ['objects', 'out-objects'],
    why: 'a copy in parts that was refused leaves none of them behind',
  },
  {
    sid: 'DeleteTheExactObject',
    actions: ['s3:DeleteObject'],
    on: ['objects', 'out-objects'],
    why: 'evicts the object that was decided on, and no other that has taken its key since',
    condition: 'if-match',
  },
]

const FIND_STAGED_UPLOADS: Permission = {
  sid: 'FindStagedUploads',
  // S3 knows no condition on its prefix.
  actions: ['s3:ListBucketMultipartUploads'],
  on: ['bucket'],
  why: 'uploads that a crash left: gone on with by publish, aborted by the sweep',
}

const CHANGE_MESSAGE_HUB: readonly Permission[] = [
  {
    sid: 'ChangeMessageHub',
    // TransactWriteItems is authorised through the actions of its parts.
    actions: [
      'dynamodb:Query',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:DeleteItem',
      'dynamodb:ConditionCheckItem',
    ],
    on: ['table'],
    why: 'facts, state and effects are committed in one conditional transaction, and folders claimed',
  },
  {
    sid: 'FindRunsBelow',
    actions: ['dynamodb:Query'],
    on: ['index/runs'],
    why: 'a folder that holds another run is not claimed',
  },
]

const SEND_JOBS: Permission = {
  sid: 'SendJobs',
  actions: ['sqs:SendMessage'],
  on: ['jobs-queue'],
  why: 'effects that move many bytes are handed to publish',
}

function consume(queue: 'events-queue' | 'jobs-queue'): Permission {
  return {
    sid: 'Consume',
    actions: [
      'sqs:ReceiveMessage',
      'sqs:DeleteMessage',
      'sqs:GetQueueAttributes',
      'sqs:ChangeMessageVisibility',
    ],
    on: [queue],
    why: 'three that a Lambda event source needs, and one with which what failed comes again soon',
  }
}

function putAway(queue: 'events-dlq' | 'jobs-dlq'): Permission {
  return {
    sid: 'PutAwayMessages',
    actions: ['sqs:SendMessage'],
    on: [queue],
    why: 'a message that fails for the last time is put away with the reason, which SQS would not know',
  }
}

/** Every permission of every function. */
export const PERMISSIONS: Readonly<Record<FunctionName, readonly Permission[]>> = {
  ingest: [
    WRITE_LOG,
    consume('events-queue'),
    putAway('events-dlq'),
    ...READ_UPLOADS,
    ...CHANGE_OBJECTS,
    ...CHANGE_MESSAGE_HUB,
    SEND_JOBS,
  ],
  publish: [
    WRITE_LOG,
    consume('jobs-queue'),
    putAway('jobs-dlq'),
    ...READ_UPLOADS,
    ...CHANGE_OBJECTS,
    FIND_STAGED_UPLOADS,
    {
      sid: 'SeeWhichPartsAreThere',
      actions: ['s3:ListMultipartUploadParts'],
      on: ['objects'],
      why: 'an upload that is gone on with gets only the parts that it lacks',
    },
    ...CHANGE_MESSAGE_HUB,
    SEND_JOBS,
  ],
  query: [
    WRITE_LOG,
    {
      sid: 'ReadMessageHub',
      actions: ['dynamodb:GetItem', 'dynamodb:Query'],
      on: ['table'],
      why: 'answers come from the message hub',
    },
    {
      sid: 'ReadIndexes',
      actions: ['dynamodb:Query'],
      on: ['index/runs', 'index/leaderboard'],
      why: 'lists of runs, and runs ranked by a metric',
    },
    {
      sid: 'SignUrls',
      actions: ['s3:GetObjectVersion'],
      on: ['objects', 'out-objects'],
      why: 'a signed URL can do what its signer can, and each names a version',
    },
    {
      sid: 'SeeWhatIsThereNow',
      actions: ['s3:GetObject'],
      on: ['objects'],
      why: 'resume looks into the checkpoint that is under its key now, not at what was recorded',
    },
    {
      sid: 'SeeDirectories',
      actions: ['s3:ListBucket'],
      on: ['bucket'],
      why: 'resume lists the files of a directory; and without it S3 answers 403, not 404, for a key that does not exist',
    },
  ],
  sweep: [
    WRITE_LOG,
    ...READ_UPLOADS,
    ...CHANGE_OBJECTS,
    FIND_STAGED_UPLOADS,
    ...CHANGE_MESSAGE_HUB,
    {
      sid: 'FindEffectsLeftOver',
      actions: ['dynamodb:Query'],
      on: ['index/outbox'],
      why: 'effects that were committed and never carried out',
    },
    SEND_JOBS,
    {
      sid: 'AskToLook',
      actions: ['sqs:SendMessage'],
      on: ['events-queue'],
      why: 'keys whose event was lost are looked at by ingest, as if it had come',
    },
  ],
}
