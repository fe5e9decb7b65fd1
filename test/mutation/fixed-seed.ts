/**
 * A property draws the same examples for every mutant, else a mutant would be killed by chance; and is not
 * shrunk when it fails, since nobody reads by which example a mutant was killed.
 */
import fc from 'fast-check'

fc.configureGlobal({ seed: 20_260_101, endOnFailure: true })
