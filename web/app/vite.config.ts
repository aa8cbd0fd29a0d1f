import { defineConfig } from "vite";

export default defineConfig({
  // Relative addresses: the site works below any path.
  base: "./",
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    target: "es2022",
    // Every file is one: the Content-Security-Policy knows no data in addresses.
    assetsInlineLimit: 0,
    // The first that know light-dark(). For older ones it would be rewritten, and the theme switch would do nothing.
    cssTarget: ["chrome123", "edge123", "firefox120", "safari17.5"],
  },
  worker: { format: "es" },
  plugins: [
    {
      // The server for development puts styles into the page as elements; the built site has them as files alone.
      name: "styles-while-developing",
      apply: "serve",
      transformIndexHtml: (html) => html.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'"),
    },
  ],
});
