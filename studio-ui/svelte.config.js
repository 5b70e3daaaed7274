import { vitePreprocess } from '@sveltejs/vite-plugin-svelte'

export default {
  preprocess: vitePreprocess(),
  compilerOptions: {
    runes: true,
    // By content, never by path: a build in another folder gives the same bytes.
    cssHash: ({ hash, css }) => `s${hash(css)}`,
  },
}
