import { defineConfig } from "vite";

// Relative addresses: the site works below any path.
export default defineConfig({
  base: "./",
  build: { outDir: "../dist", emptyOutDir: true, target: "es2022" },
  worker: { format: "es" },
});
