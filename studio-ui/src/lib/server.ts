// Asking the server. What goes wrong is a Refusal, whose message is for the reader.

import type { About, Diagrams, Language, Of } from './answers'

export class Refusal extends Error {
  /** silent: the server didn't answer at all, so there is no text of its own. */
  constructor(
    message: string,
    readonly silent = false,
  ) {
    super(message)
  }
}

async function asked<T>(address: string, init?: RequestInit): Promise<T> {
  let answer: Response
  try {
    answer = await fetch(address, { cache: 'no-store', ...init })
  } catch {
    throw new Refusal('', true)
  }
  const found: unknown = await answer.json().catch(() => null)
  if (!answer.ok || found === null) {
    const said = found !== null && typeof found === 'object' && 'error' in found ? String(found.error) : ''
    throw new Refusal(said || `${answer.status} ${answer.statusText}`.trim())
  }
  return found as T
}

export const about = (): Promise<About> => asked('./api/about')

export const diagrams = (of: Of, language: Language): Promise<Diagrams> =>
  asked(`./api/diagrams?of=${of}&lang=${language}`)

export const lesson = <T>(name: string, of: Of, language: Language, controls: object): Promise<T> =>
  asked(`./api/lessons/${name}?of=${of}&lang=${language}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(controls),
  })
