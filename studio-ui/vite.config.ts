import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

const SERVER = 'http://127.0.0.1:8642' // `danlu learn`, for `npm run dev`

export default defineConfig({
  base: './',
  plugins: [svelte()],
  build: {
    outDir: '../src/danlu/studio/static',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false }, // it would be an inline script, which the page's policy refuses
    sourcemap: false,
  },
  server: {
    proxy: { '/api': { target: SERVER, changeOrigin: true, headers: { origin: SERVER } } },
  },
})
