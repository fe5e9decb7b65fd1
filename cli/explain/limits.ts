/** To find the deciding facts of all checkpoints takes a second for so many, and grows with the square. */
export const CHECKPOINTS_DECIDED = 100
