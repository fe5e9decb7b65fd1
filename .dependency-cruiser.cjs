/** The one-way arrows between the rooms; `docs/architecture.md` draws them. */

/** Rooms, and what each may reach beside itself. Node's own modules and npm packages are held apart. */
const ROOMS = {
  'lib/hook': [],
  'lib/checkpoint': [],
  'lib/bucket': ['lib/checkpoint'],
  'lib/message-hub': ['lib/hook'],
  'lib/run': ['lib/hook', 'lib/checkpoint', 'lib/bucket', 'lib/message-hub'],
  'lib/query': ['lib/hook', 'lib/checkpoint', 'lib/bucket', 'lib/message-hub'],
  'lib/files': ['lib/checkpoint'],
  functions: ['lib'],
  cli: ['lib'],
  dashboard: ['lib/query', 'lib/hook', 'cli/output'],
  infra: ['lib/hook'],
  local: [],
  examples: ['lib/hook', 'local'],
}

/** Rooms that decide: no AWS, no clock, no randomness, no files. */
const PURE = '^lib/(hook|checkpoint)/'
const CALCULATING = '^(crypto|zlib|node:crypto|node:zlib)$'

const arrows = Object.entries(ROOMS).map(([room, reaches]) => ({
  name: `${room.replace('/', '-')}-reaches-only-its-own`,
  comment: `${room} may reach ${reaches.join(', ') || 'nothing else'} in this repository`,
  severity: 'error',
  from: { path: `^${room}/` },
  to: {
    path: '^(lib|functions|infra|local|examples|test|cli|dashboard)/',
    pathNot: [room, ...reaches].map((each) => `^${each}/`),
  },
}))

module.exports = {
  forbidden: [
    ...arrows,
    {
      name: 'pure-rooms-reach-no-aws',
      comment: 'history, fold and plan, and the file formats, know no AWS',
      severity: 'error',
      from: { path: PURE },
      to: { path: 'node_modules/(@aws-sdk|@smithy|aws-cdk-lib|@types/aws-lambda)/' },
    },
    {
      name: 'pure-rooms-only-calculate',
      comment: 'of Node they use what calculates: no clock, no chance, no files, no network',
      severity: 'error',
      from: { path: PURE },
      to: { dependencyTypes: ['core'], pathNot: CALCULATING },
    },
    {
      name: 'the-page-is-for-browsers',
      comment: 'the dashboard knows what answers look like, and runs nothing of what makes them',
      severity: 'error',
      from: { path: '^dashboard/' },
      to: { path: '^lib/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'the-page-reaches-no-node',
      comment: 'a browser has none of its modules, and no AWS client belongs there',
      severity: 'error',
      from: { path: '^(dashboard|cli/output/(printable|sizes)\\.ts)' },
      to: { path: 'node_modules/(@aws-sdk|@smithy)/' },
    },
    {
      name: 'functions-never-reach-each-other',
      comment: 'a function is one way in; what two share is in lib',
      severity: 'error',
      from: { path: '^functions/([^/]+)' },
      to: { path: '^functions/', pathNot: '^functions/$1' },
    },
    {
      name: 'no-circles',
      comment: 'data flows one way',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-orphans',
      comment: 'what nothing reaches is dead',
      severity: 'error',
      from: {
        orphan: true,
        path: '^(lib|cli|dashboard|local|examples)/',
        pathNot: '(main|stay|record)\\.tsx?$|^cli/ckpt\\.mjs$',
      },
      to: {},
    },
    {
      name: 'resolvable',
      comment: 'an import that leads nowhere',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
}
