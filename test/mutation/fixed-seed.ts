/** A property draws the same examples for every mutant; else a mutant would be killed by chance. */
import fc from 'fast-check'

fc.configureGlobal({ seed: 20_260_101 })
