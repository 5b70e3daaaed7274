// Which page is shown: the part of the address after "#/".

export const PAGES = ['diagrams', 'chain', 'activation', 'rate'] as const
export type Page = (typeof PAGES)[number]

function read(): Page {
  const name = location.hash.replace(/^#\/?/, '')
  return PAGES.find((page) => page === name) ?? 'diagrams'
}

const held = $state<{ page: Page }>({ page: read() })

export const page = (): Page => held.page
export const addressOf = (name: Page): string => `#/${name}`

/** Follow the address until the returned function is called; `moved` is told when another page is shown. */
export function follow(moved: () => void): () => void {
  const changed = (): void => {
    const before = held.page
    held.page = read()
    if (held.page !== before) moved()
  }
  addEventListener('hashchange', changed)
  return () => removeEventListener('hashchange', changed)
}
