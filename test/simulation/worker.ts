/** A process of a crew: does what it is sent, one piece after the other. */
import { perform, type Work } from './work.ts'

process.on('message', async (work: Work) => {
  process.send?.(await perform(work))
})
