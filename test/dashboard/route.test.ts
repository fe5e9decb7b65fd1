import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashOf, type Route, routeOf } from '../../dashboard/route.ts'

const name = fc.oneof(
  fc.string({ minLength: 1, unit: 'binary' }),
  fc.constantFrom('.', '..', 'a/b', '#', '?x=1', '%', '%2F', 'a&b=c+d', '<b>', '\u202e', '\n'),
)
const route: fc.Arbitrary<Route> = fc.oneof(
  fc.record({ page: fc.constant('runs' as const), prefix: fc.oneof(fc.constant(''), name) }),
  fc.record({ page: fc.constant('run' as const), run: name, metrics: fc.array(name) }),
  fc.record({
    page: fc.constant('compare' as const),
    metric: fc.oneof(fc.constant(''), name),
    runs: fc.array(name),
  }),
)

describe('an address of the page', () => {
  test('leads back to what it was made of, whatever the names', () => {
    fc.assert(
      fc.property(route, (each) => {
        expect(routeOf(hashOf(each))).toEqual({ ...each })
      }),
    )
  })

  test('is the same after a browser has read it', () => {
    fc.assert(
      fc.property(route, (each) => {
        const url = new URL(hashOf(each), 'http://127.0.0.1/')
        expect(routeOf(url.hash)).toEqual({ ...each })
        expect(url.pathname + url.search).toBe('/')
      }),
    )
  })

  test.each([
    '',
    '#',
    '#/',
    '#/nothing',
    '#/run',
    '#/run/',
    '#/run/%E0%A4%A',
    'javascript:alert(1)',
  ])('%j, which is none, leads to the list of runs', (hash) => {
    expect(routeOf(hash)).toEqual({ page: 'runs', prefix: '' })
  })
})
