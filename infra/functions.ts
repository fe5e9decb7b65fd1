/** How each function is built and run. What it may do is in permissions.ts. */
import { fileURLToPath } from 'node:url'
import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { Architecture, Runtime } from 'aws-cdk-lib/aws-lambda'
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'
import { REQUIRE, SMALL_AND_NAMED } from './bundling.ts'
import { type FunctionName, PERMISSIONS } from './permissions.ts'
import { type Arns, roleOf } from './role.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Traces that name the sources; and memory that is let go of while gigabytes are read (lib/bucket/garbage). */
const NODE_OPTIONS = '--enable-source-maps --expose-gc'
/** One place that all threads allocate from: what is let go of in several is not given back to the system. */
const MALLOC_ARENA_MAX = '1'

export interface HubFunctionProps {
  readonly timeoutSeconds: number
  readonly memoryMb: number
  readonly environment: Readonly<Record<string, string>>
  /** ARNs of everything but the function's log group, which it makes itself. */
  readonly arns: Omit<Arns, 'log-group'>
  readonly keyPrefix: string
  readonly logRetentionDays: number
}

/** The function of `functions/<name>.ts`, with its log group and its role. */
export function hubFunction(
  scope: Construct,
  name: FunctionName,
  props: HubFunctionProps,
): NodejsFunction {
  const id = name.charAt(0).toUpperCase() + name.slice(1)
  const logGroup = new LogGroup(scope, `${id}Log`, {
    // RetentionDays is an enum of the very numbers of days that the settings allow.
    retention: props.logRetentionDays as RetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  })
  return new NodejsFunction(scope, id, {
    entry: fileURLToPath(new URL(`../functions/${name}.ts`, import.meta.url)),
    handler: 'handler',
    runtime: Runtime.NODEJS_24_X,
    // No native code is bundled, and ARM costs a fifth less.
    architecture: Architecture.ARM_64,
    timeout: Duration.seconds(props.timeoutSeconds),
    memorySize: props.memoryMb,
    environment: { ...props.environment, NODE_OPTIONS, MALLOC_ARENA_MAX },
    role: roleOf(
      scope,
      `${id}Role`,
      PERMISSIONS[name],
      { ...props.arns, 'log-group': [logGroup.logGroupArn] },
      props.keyPrefix,
    ),
    logGroup,
    projectRoot: ROOT,
    depsLockFilePath: fileURLToPath(new URL('../package-lock.json', import.meta.url)),
    bundling: {
      format: OutputFormat.ESM,
      ...SMALL_AND_NAMED,
      sourceMap: true,
      sourcesContent: false,
      // The SDK that was tested is the SDK that runs.
      externalModules: [],
      banner: REQUIRE,
    },
  })
}
