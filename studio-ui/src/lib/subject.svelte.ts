// What the page is about: the run that the server was started on, or the small net.

import type { Of } from './answers'

const held = $state<{ run: string | null; of: Of }>({ run: null, of: 'builtin' })

export function learnRun(name: string | null): void {
  held.run = name
  held.of = name === null ? 'builtin' : 'run'
}

export const run = (): string | null => held.run
export const of = (): Of => held.of
export function setOf(chosen: Of): void {
  held.of = chosen
}
