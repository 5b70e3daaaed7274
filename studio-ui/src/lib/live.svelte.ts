// A lesson's numbers, following its controls: one question at a time, and after it only the newest.

import { untrack } from 'svelte'
import type { Language, Of } from './answers'
import { lesson } from './server'

interface Wanted {
  of: Of
  language: Language
  controls: object
}

export class Live<Answer> {
  /** What was computed last, of the subject that was asked about last. */
  answer = $state.raw<Answer | null>(null)
  /** The controls that it was computed for. */
  controls = $state.raw<object | null>(null)
  problem = $state.raw<unknown>(null)
  busy = $state(false)

  #wanted: Wanted | null = null
  #subject: Of | null = null
  #running = false
  #timer: ReturnType<typeof setTimeout> | undefined

  /** wait: milliseconds that the controls must rest, for lessons that compute for long. */
  constructor(
    readonly name: string,
    readonly wait = 0,
  ) {}

  /** What it reads of itself must not make an effect that asks run again. */
  ask(of: Of, language: Language, controls: object): void {
    untrack(() => this.#ask(of, language, controls))
  }

  #ask(of: Of, language: Language, controls: object): void {
    if (of !== this.#subject) {
      this.#subject = of
      this.answer = null
      this.problem = null
    }
    this.#wanted = { of, language, controls }
    this.busy = true
    clearTimeout(this.#timer)
    if (this.wait && this.answer !== null) this.#timer = setTimeout(() => void this.#run(), this.wait)
    else void this.#run()
  }

  async #run(): Promise<void> {
    if (this.#running) return
    this.#running = true
    while (this.#wanted) {
      const wanted: Wanted = this.#wanted
      this.#wanted = null
      try {
        const found = await lesson<Answer>(this.name, wanted.of, wanted.language, wanted.controls)
        if (wanted.of === this.#subject) {
          this.answer = found
          this.controls = wanted.controls
          this.problem = null
        }
      } catch (error) {
        if (wanted.of === this.#subject) this.problem = error
      }
    }
    this.#running = false
    this.busy = false
  }
}
