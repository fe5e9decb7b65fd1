import { App } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { type Settings, settingsFrom } from '../../infra/settings.ts'
import { CheckpointHubStack } from '../../infra/stack.ts'

export interface Statement {
  Sid: string
  Effect: string
  Action: string | string[]
  Resource: unknown
  Condition?: Record<string, Record<string, unknown>>
}

/** The stack's template; the functions are not bundled for it, which takes seconds. */
export function synthesised(settings: Partial<Settings> = {}): Template {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } })
  return Template.fromStack(new CheckpointHubStack(app, settingsFrom(settings)))
}

/** The statements of each function's role, by the beginning of the role's logical id. */
export function statementsOf(template: Template, functionName: string): Statement[] {
  const id = `Hub${functionName.charAt(0).toUpperCase()}${functionName.slice(1)}Role`
  const found = Object.entries(template.findResources('AWS::IAM::Role')).find(([logicalId]) =>
    logicalId.startsWith(id),
  )
  if (found === undefined) throw new Error(`no role ${id}`)
  const policies: { PolicyDocument: { Statement: Statement[] } }[] = found[1]['Properties'].Policies
  return policies.flatMap((policy) => policy.PolicyDocument.Statement)
}

export function actionsOf(statement: Statement): string[] {
  return [statement.Action].flat()
}

/** An ARN of a template in one line: `<LogicalId>` for a reference to another resource. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(shown).join('')
  const [[intrinsic, argument] = ['', undefined]] = Object.entries(value as object)
  if (intrinsic === 'Fn::Join' && Array.isArray(argument)) return shown(argument[1])
  if (intrinsic === 'Fn::GetAtt' && Array.isArray(argument)) return `<${argument[0]}>`
  return `<${JSON.stringify(argument)}>`
}
