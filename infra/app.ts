/** The CDK app: `cdk.json` runs it. It needs no account, no credentials and no Docker. */
import { App, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { settingsFrom } from './settings.ts'
import { CheckpointHubStack } from './stack.ts'

const app = new App()
new CheckpointHubStack(app, settingsFrom(app.node.getAllContext()))
Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
