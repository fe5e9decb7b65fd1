/** Checkpoints along their steps, on a canvas: thousands of them cost no element each. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { printable } from '../../cli/output/printable.ts'
import { readableSize } from '../../cli/output/sizes.ts'
import type { DescribedStep } from '../../lib/query/describe-run.ts'
import { counted, readableCount } from '../numbers.ts'
import { colour, type Theme } from '../theme.ts'
import { fullTime } from '../times.ts'
import { at, nearest, type Placed, placed } from './timeline-places.ts'

const HEIGHT = 58
/** How far a page of the keyboard goes. */
const PAGE = 25

export function Timeline({
  series,
  steps,
  best,
  theme,
}: {
  series: string
  steps: readonly DescribedStep[]
  /** Keys of the checkpoints that are the best of a metric. */
  best: ReadonlySet<string>
  theme: Theme
}) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [width, setWidth] = useState(0)
  const [chosen, setChosen] = useState<number>()
  const places = placed(steps, best, width)
  const position = steps.findIndex(({ step }) => step === chosen)
  const shown = position < 0 ? undefined : places[position]
  useEffect(() => {
    const element = canvas.current
    if (element === null) return
    const fit = new ResizeObserver(() => setWidth(element.clientWidth))
    fit.observe(element)
    return () => fit.disconnect()
  }, [])
  useEffect(() => {
    if (canvas.current !== null && width > 0) draw(canvas.current, places, shown, width)
  }, [steps, best, width, chosen, theme])
  const choose = (index: number) => setChosen(at(steps, index)?.step)
  const move = (event: KeyboardEvent) => {
    const from = position < 0 ? steps.length : position
    const to = {
      ArrowLeft: from - 1,
      ArrowRight: from + 1,
      ArrowDown: from - 1,
      ArrowUp: from + 1,
      PageDown: from - PAGE,
      PageUp: from + PAGE,
      Home: 0,
      End: steps.length - 1,
    }[event.key]
    if (to === undefined) return
    event.preventDefault()
    choose(to)
  }
  const point = ({ offsetX }: MouseEvent) => {
    const index = nearest(places, offsetX)
    if (index !== undefined) choose(index)
  }
  return (
    <div class="timeline">
      <div
        role="slider"
        tabIndex={0}
        aria-label={`Checkpoints by ${series}`}
        aria-valuemin={1}
        aria-valuemax={steps.length}
        aria-valuenow={position < 0 ? steps.length : position + 1}
        aria-valuetext={
          shown === undefined ? counted(steps.length, 'checkpoint') : told(shown.step)
        }
        onKeyDown={move}
        onFocus={() => chosen === undefined && choose(steps.length - 1)}
        onPointerMove={point}
        onPointerDown={point}
      >
        <canvas ref={canvas} height={HEIGHT} />
      </div>
      <p class="told" aria-hidden="true">
        {shown === undefined ? (
          <span class="quiet">
            Point at a checkpoint, or use the arrow keys: here is what became of it.
          </span>
        ) : (
          told(shown.step)
        )}
      </p>
    </div>
  )
}

function told(checkpoint: DescribedStep): string {
  const { series, step, fate, reason, set_record, size_bytes, restorable_until: until } = checkpoint
  const record = set_record ? ', a record' : ''
  return `${series} ${readableCount(step)}, ${readableSize(size_bytes)}${record}; ${reason.startsWith(fate) ? '' : `${fate}: `}${printable(reason)}${until === undefined || Date.parse(until) < Date.now() ? '' : `; can be restored until ${fullTime(until)}`}`
}

const BASE = HEIGHT - 14
/** Heights and colours: what stays is told from what went by shape too. */
const MARKS = {
  kept: { height: 30, colour: 'good' },
  evicted: { height: 12, colour: 'faint' },
  other: { height: 20, colour: 'bad' },
} as const

function draw(
  canvas: HTMLCanvasElement,
  places: readonly Placed[],
  shown: Placed | undefined,
  width: number,
): void {
  const scale = devicePixelRatio
  canvas.width = Math.round(width * scale)
  canvas.height = HEIGHT * scale
  const context = canvas.getContext('2d')
  if (context === null) return
  context.scale(scale, scale)
  context.fillStyle = colour('line')
  context.fillRect(0, BASE, width, 1)
  for (const look of ['evicted', 'other', 'kept'] as const) {
    const { height, colour: tone } = MARKS[look]
    context.fillStyle = colour(tone)
    for (const { x, wide, mark } of places) {
      if (mark === look) context.fillRect(x - wide / 2, BASE - height, wide, height)
    }
  }
  const text = colour('text')
  for (const { x, step, isBest } of places) {
    if (step.set_record) dot(context, x, colour('line-1'))
    if (isBest) ring(context, x, text)
  }
  label(context, places, width)
  if (shown === undefined) return
  context.strokeStyle = text
  context.lineWidth = 1.5
  context.strokeRect(shown.x - shown.wide / 2 - 2, BASE - 33, shown.wide + 4, 36)
}

const ABOVE = BASE - 37

function dot(context: CanvasRenderingContext2D, x: number, tone: string): void {
  context.beginPath()
  context.arc(x, ABOVE, 2.5, 0, 2 * Math.PI)
  context.fillStyle = tone
  context.fill()
}

function ring(context: CanvasRenderingContext2D, x: number, tone: string): void {
  context.beginPath()
  context.arc(x, ABOVE, 5, 0, 2 * Math.PI)
  context.lineWidth = 1.5
  context.strokeStyle = tone
  context.stroke()
}

const EDGE = 4

/** The first and the last step. */
function label(context: CanvasRenderingContext2D, places: readonly Placed[], width: number): void {
  const [first, last] = [places[0], places.at(-1)]
  context.font = '11px system-ui, sans-serif'
  context.fillStyle = colour('muted')
  context.textBaseline = 'bottom'
  context.textAlign = 'left'
  if (first !== undefined) context.fillText(readableCount(first.step.step), EDGE, HEIGHT)
  context.textAlign = 'right'
  if (last !== undefined && last !== first) {
    context.fillText(readableCount(last.step.step), width - EDGE, HEIGHT)
  }
}
