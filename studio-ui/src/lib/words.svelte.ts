// The page's texts, which all come from the server in both languages, and the language that is shown.

import type { About, Language } from './answers'

const KEPT = 'danlu-language'
export const LANGUAGES: readonly [Language, string, string][] = [
  ['en', 'English', 'en'],
  ['zh', '中文', 'zh-CN'],
]

const held = $state<{ language: Language; texts: About['texts'] }>({ language: 'en', texts: { en: {}, zh: {} } })

export function learnWords(about: About): void {
  held.texts = about.texts
  setLanguage(remembered() ?? about.language, false)
}

export const language = (): Language => held.language

export function setLanguage(chosen: Language, keep = true): void {
  held.language = chosen
  document.documentElement.lang = LANGUAGES.find(([name]) => name === chosen)?.[2] ?? 'en'
  if (!keep) return
  try {
    localStorage.setItem(KEPT, chosen)
  } catch {
    // Where nothing may be kept, the choice holds until the page is closed.
  }
}

function remembered(): Language | undefined {
  try {
    const found = localStorage.getItem(KEPT)
    return LANGUAGES.find(([name]) => name === found)?.[0]
  } catch {
    return undefined
  }
}

/** The text of a key with its {places} filled in; the key itself where there is none. */
export function t(key: string, places: Record<string, string | number> = {}): string {
  const found = held.texts[held.language][key] ?? key
  return found.replace(/\{(\w+)\}/g, (whole, name: string) => String(places[name] ?? whole))
}

/** As t, but the given default where there is no such text: for names that come from a recipe. */
export const named = (key: string, otherwise: string): string => held.texts[held.language][key] ?? otherwise
