/**
 * Bytes of one `data.pkl`. MMEngine keeps up to 1,000,000 values of each logged scalar, as text of up to
 * 12 MB an array and two arrays a scalar: a run of a million iterations with ten scalars has about 240 MB.
 */
export const MAX_PICKLE_BYTES = 256 * 1024 * 1024
/** Opcodes of one pickle. A tensor takes about 30: this is a state dict and its optimizer of 100,000 tensors. */
export const MAX_OPCODES = 5_000_000
/** How deep values nest. Python's own pickler stops near 1,000, its default recursion limit. */
export const MAX_DEPTH = 10_000
/** Bytes of one name of a module or global; Python's longest dotted paths have some hundred. */
export const MAX_GLOBAL_BYTES = 1024
/** Different globals of one pickle. torch's and MMEngine's checkpoints name some dozens. */
export const MAX_GLOBALS = 10_000
/** How many items Python's pickler, and ours, puts into one APPENDS or SETITEMS. */
export const BATCH_ITEMS = 1000
/** Steps taken to write cycles through tuples, over all of them; files that torch wrote have next to none. */
export const MAX_CYCLE_STEPS = 20_000_000
