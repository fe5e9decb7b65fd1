/** Turns the list of permissions into a role: one statement each, with the stack's own ARNs. */
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'
import type { Condition, Permission, Resource } from './permissions.ts'

/** The ARNs behind each name that a permission can use. */
export type Arns = Readonly<Record<Resource, readonly string[]>>

/**
 * A role with exactly these permissions: no managed policy, no grant besides. What a stack has none of
 * needs no statement.
 *
 * @param keyPrefix the stack's key prefix, which the condition `prefix` holds lists to; empty for none
 */
export function roleOf(
  scope: Construct,
  id: string,
  permissions: readonly Permission[],
  arns: Arns,
  keyPrefix: string,
): Role {
  const statements = permissions.flatMap(({ sid, actions, on, condition }) => {
    const resources = on.flatMap((resource) => arns[resource])
    if (resources.length === 0) return []
    const conditions = condition && conditionsOf(condition, keyPrefix)
    const statement = { sid, actions: [...actions], resources, ...(conditions && { conditions }) }
    return [new PolicyStatement(statement)]
  })
  return new Role(scope, id, {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    inlinePolicies: { Permissions: new PolicyDocument({ statements }) },
  })
}

function conditionsOf(condition: Condition, keyPrefix: string) {
  switch (condition) {
    case 'if-match':
      // A header that is missing, and `If-Match: *`, would both delete whatever is there.
      return { Null: { 's3:if-match': 'false' }, StringNotEquals: { 's3:if-match': '*' } }
    case 'prefix':
      if (keyPrefix === '') return {}
      return { StringLike: { 's3:prefix': [`${keyPrefix}*`, '.checkpoint-hub/*'] } }
  }
}
