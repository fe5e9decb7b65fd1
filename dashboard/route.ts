/** Addresses of the page: what is looked at is in the hash, so that it can be kept and sent. */

export type Route =
  | { readonly page: 'runs'; readonly prefix: string }
  | { readonly page: 'run'; readonly run: string; readonly metrics: readonly string[] }
  | { readonly page: 'compare'; readonly metric: string; readonly runs: readonly string[] }

/** The route of a hash; one that is no address leads to the list of runs. */
export function routeOf(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  const [page = '', name = ''] = path.split('/')
  const parameters = new URLSearchParams(query)
  const run = decoded(name)
  if (page === 'run' && run !== undefined && run !== '') {
    return { page, run, metrics: parameters.getAll('metric') }
  }
  if (page === 'compare') {
    return { page, metric: parameters.get('metric') ?? '', runs: parameters.getAll('run') }
  }
  return { page: 'runs', prefix: parameters.get('prefix') ?? '' }
}

/** The hash of a route: names may hold anything, and are one part of it each. */
export function hashOf(route: Route): string {
  if (route.page === 'run') {
    return `#/run/${encodeURIComponent(route.run)}${queryOf('metric', route.metrics)}`
  }
  if (route.page === 'compare') {
    const metric = route.metric === '' ? [] : [['metric', route.metric]]
    const query = new URLSearchParams([...metric, ...route.runs.map((run) => ['run', run])])
    return `#/compare${query.size === 0 ? '' : `?${query}`}`
  }
  return `#/runs${queryOf('prefix', route.prefix === '' ? [] : [route.prefix])}`
}

function queryOf(name: string, values: readonly string[]): string {
  if (values.length === 0) return ''
  return `?${new URLSearchParams(values.map((value) => [name, value]))}`
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
