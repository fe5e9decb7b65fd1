/** What `docs/openapi.yaml` says of an answer. */
import { readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { parse } from 'yaml'

interface Described {
  $ref?: string
}
interface Operation {
  parameters?: (Described & { name?: string })[]
  responses: Record<string, Described & DescribedResponse>
}
interface DescribedResponse {
  headers?: Record<string, Described & { required?: boolean }>
  content?: Record<string, unknown>
}
interface Description {
  paths: Record<string, { get: Operation }>
  components: { schemas: { Problem: { properties: { type: { enum: string[] } } } } }
}

/** An answer as HTTP has it. */
interface Answered {
  status: number
  headers: Readonly<Record<string, string>>
  body: string
}

const FILE = new URL('../../../docs/openapi.yaml', import.meta.url)
const ID = 'openapi.yaml'
export const description = parse(readFileSync(FILE, 'utf8')) as Description
const ajv = new Ajv2020({ strict: true, strictRequired: false, allErrors: true })
formats.default(ajv)
// Its schemas refer to each other within it, so it is a schema as a whole, with words of its own at the top.
ajv.addVocabulary(Object.keys(description))
ajv.addSchema(description, ID)
const validators = new Map<string, ValidateFunction>()

/** Names of a question's parameters. */
export function describedParameters(path: string): string[] {
  const { parameters = [] } = description.paths[path]?.get ?? {}
  return parameters.map((each) => resolved(each).value.name ?? '')
}

/** Statuses of a question's answers. */
export function describedStatuses(path: string): number[] {
  return Object.keys(description.paths[path]?.get.responses ?? {}).map(Number)
}

/**
 * What is wrong with an answer by its description; empty where nothing is. A problem that the description tells
 * in words, of another path or method, is one all the same.
 */
export function faultsOf(path: string, { status, headers, body }: Answered): string[] {
  const isKnown = Object.hasOwn(description.paths, path)
  const found = isKnown ? description.paths[path]?.get.responses[status] : undefined
  if (found === undefined) {
    if (status !== 405 && !(status === 404 && !isKnown)) {
      return [`${path}: status ${status} is not described`]
    }
    return faultsIn('#/components/schemas/Problem', JSON.parse(body))
  }
  const at = `#/paths/${escaped(path)}/get/responses/${status}`
  const { pointer, value } = resolved(found, at)
  return [
    ...headerFaults(pointer, value, headers),
    ...bodyFaults(pointer, value, headers['content-type'] ?? '', body),
  ]
}

function headerFaults(
  pointer: string,
  { headers = {} }: DescribedResponse,
  found: Answered['headers'],
): string[] {
  return Object.entries(headers).flatMap(([name, described]) => {
    const header = found[name.toLowerCase()]
    if (header === undefined) return [`the header ${name} is missing`]
    const { pointer: at } = resolved(described, `${pointer}/headers/${name}`)
    return faultsIn(`${at}/schema`, header)
  })
}

function bodyFaults(
  pointer: string,
  { content }: DescribedResponse,
  type: string,
  body: string,
): string[] {
  if (content === undefined) return []
  if (!Object.hasOwn(content, type)) return [`the media type ${type} is not described`]
  return faultsIn(`${pointer}/content/${escaped(type)}/schema`, JSON.parse(body))
}

/** @param pointer of a schema within the description */
function faultsIn(pointer: string, value: unknown): string[] {
  const validate = validators.get(pointer) ?? ajv.compile({ $ref: `${ID}${pointer}` })
  validators.set(pointer, validate)
  if (validate(value)) return []
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  )
}

function resolved<T extends Described>(described: T, pointer = ''): { pointer: string; value: T } {
  if (described.$ref === undefined) return { pointer, value: described }
  const parts = described.$ref.slice(2).split('/')
  const value = parts.reduce<unknown>(
    (within, part) => (within as Record<string, unknown>)[part],
    description,
  )
  return { pointer: described.$ref, value: value as T }
}

/** A name as a JSON pointer has it. */
function escaped(name: string): string {
  return encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))
}
