/** Links to objects of a run, and to no others. */
import { GetItemCommand } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import { folderOf, type Run } from '../hook/names.ts'
import type { PointedCheckpoint, Pointer } from './pointers.ts'
import { QueryError, quoted } from './problem-details.ts'
import { type LinkOptions, signedUrl } from './signed-url.ts'
import type { Stack } from './stack.ts'

/**
 * A signed URL of what an answer points at. Whatever the table says, it lies in the run, or in a folder that
 * the run claimed for its `out_dir`.
 *
 * @throws {QueryError} `foreign-object` where it does not
 */
export async function linkTo(
  stack: Stack,
  run: Run,
  found: Pick<PointedCheckpoint, 'object' | 'directory'>,
  options: LinkOptions,
): Promise<string> {
  const folder = folderWith(found)
  if (folder !== run && (await claimantOf(stack, folder)) !== run) {
    const detail = `${quoted(found.object.key)} lies neither in the run ${quoted(run)} nor in a folder that it claimed`
    throw new QueryError('foreign-object', detail)
  }
  return signedUrl(stack.bucket, found.object, options)
}

/** The folder that a file lies in, or the directory that a marker is of. */
function folderWith({ object, directory }: Pick<PointedCheckpoint, 'object' | 'directory'>) {
  const isOfDirectory = directory !== undefined && object.key.startsWith(`${directory.key}/`)
  return folderIn(object, isOfDirectory ? directory.key : object.key)
}

function folderIn({ bucket }: Pointer, key: string): string {
  return bucket === undefined ? folderOf(key) : `s3://${bucket}/${folderOf(key)}`
}

/** The run that claimed a folder. */
async function claimantOf({ hub }: Stack, folder: string): Promise<unknown> {
  const { Item } = await hub.dynamodb.send(
    new GetItemCommand({
      TableName: hub.tableName,
      Key: marshall({ run: folder, entry: 'claim' }),
      ConsistentRead: true,
    }),
  )
  return Item && unmarshall(Item)['by']
}
