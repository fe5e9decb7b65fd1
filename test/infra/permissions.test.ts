import { describe, expect, test } from 'vitest'
import { type FunctionName, PERMISSIONS } from '../../infra/permissions.ts'
import { actionsOf, shown, statementsOf, synthesised } from './synthesised.ts'

const template = synthesised()
const names = Object.keys(PERMISSIONS) as FunctionName[]

describe('what no function can do', () => {
  test('nobody can delete a version', () => {
    expect(JSON.stringify(template.toJSON())).not.toContain('DeleteObjectVersion')
  })

  test.each(names)('%s deletes an object only with an If-Match that names one ETag', (name) => {
    const deletes = statementsOf(template, name).filter((statement) =>
      actionsOf(statement).includes('s3:DeleteObject'),
    )
    for (const statement of deletes) {
      expect(statement.Effect).toBe('Allow')
      expect(actionsOf(statement)).toEqual(['s3:DeleteObject'])
      expect(statement.Condition).toEqual({
        Null: { 's3:if-match': 'false' },
        StringNotEquals: { 's3:if-match': '*' },
      })
    }
    expect(deletes).toHaveLength(name === 'query' ? 0 : 1)
  })

  test.each(names)('%s names every action and every resource', (name) => {
    for (const statement of statementsOf(template, name)) {
      for (const action of actionsOf(statement)) expect(action).not.toContain('*')
      for (const resource of [statement.Resource].flat()) {
        // Keys are the trainers' choice: only the objects of our own bucket end in a pattern.
        expect(shown(resource)).toMatch(/^<Hub\w+>(\/\*|\/index\/(runs|leaderboard|outbox))?$/)
      }
    }
  })

  test('query changes nothing', () => {
    const actions = statementsOf(template, 'query').flatMap(actionsOf)
    expect(actions.filter((action) => !action.startsWith('logs:')).sort()).toEqual([
      'dynamodb:GetItem',
      'dynamodb:Query',
      'dynamodb:Query',
      's3:GetObject',
      's3:GetObjectVersion',
      's3:ListBucket',
    ])
  })

  test('no role has a managed policy, or a policy beside its own', () => {
    for (const role of Object.values(template.findResources('AWS::IAM::Role'))) {
      expect(role['Properties'].ManagedPolicyArns).toBeUndefined()
      expect(role['Properties'].Policies).toHaveLength(1)
    }
    template.resourceCountIs('AWS::IAM::Role', names.length)
    template.resourceCountIs('AWS::IAM::Policy', 0)
    template.resourceCountIs('AWS::IAM::ManagedPolicy', 0)
  })
})

describe('what each function can do', () => {
  test.each(names)("%s's role has exactly the statements of the list", (name) => {
    const inRole = statementsOf(template, name).map((statement) => [
      statement.Sid,
      actionsOf(statement),
    ])
    const needed = PERMISSIONS[name].filter(({ on }) => on.some((each) => !each.startsWith('out-')))
    expect(inRole).toEqual(needed.map(({ sid, actions }) => [sid, [...actions]]))
  })

  test('buckets that out_dir may name are open to the hub as its own is, in no other way', () => {
    const widened = synthesised({ outBuckets: ['exports', 'more-exports'] })
    for (const name of names) {
      const sids = statementsOf(widened, name).map(({ Sid }) => Sid)
      expect(sids).toEqual(PERMISSIONS[name].map(({ sid }) => sid))
      const opened = statementsOf(widened, name).flatMap((statement) => {
        const arns = [statement.Resource].flat().map(shown)
        const isOpen = ['exports', 'more-exports'].every((bucket) =>
          arns.some((arn) => arn.replace('/*', '').endsWith(`:s3:::${bucket}`)),
        )
        return isOpen ? [actionsOf(statement)] : []
      })
      expect(opened.flat().toSorted()).toEqual(
        name === 'query'
          ? ['s3:GetObjectVersion']
          : [
              's3:AbortMultipartUpload',
              's3:DeleteObject',
              's3:GetBucketVersioning',
              's3:GetObject',
              's3:GetObjectVersion',
              's3:ListBucket',
              's3:ListBucketVersions',
              's3:PutObject',
            ],
      )
    }
  })

  test('only its own log is open to a function', () => {
    const logs = names.map((name) =>
      statementsOf(template, name)
        .filter(({ Sid }) => Sid === 'WriteLog')
        .map(({ Resource }) => shown(Resource)),
    )
    expect(new Set(logs.flat()).size).toBe(names.length)
  })

  test('with a key prefix, objects and lists are held to it and to the hub’s own keys', () => {
    const narrowed = synthesised({ keyPrefix: 'exps/' })
    const statements = statementsOf(narrowed, 'ingest')
    const objects = statements.find(({ Sid }) => Sid === 'DeleteTheExactObject')
    expect([objects?.Resource].flat().map((arn) => shown(arn).replace(/^<\w+>/, ''))).toEqual([
      '/exps/*',
      '/.checkpoint-hub/*',
    ])
    expect(statements.find(({ Sid }) => Sid === 'ListVersions')?.Condition).toEqual({
      StringLike: { 's3:prefix': ['exps/*', '.checkpoint-hub/*'] },
    })
  })

  test('only signed requests reach the function URL', () => {
    template.hasResourceProperties('AWS::Lambda::Url', { AuthType: 'AWS_IAM' })
    template.allResourcesProperties('AWS::Lambda::Permission', {
      Principal: 'events.amazonaws.com',
    })
  })
})
