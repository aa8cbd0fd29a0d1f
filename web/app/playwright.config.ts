import { existsSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { defineConfig } from "@playwright/test";
import { DIST, PROGRAM, repository } from "./tests/program";

/** `GPU_MLP_BROWSER`, a path or a name, or a Chromium of this system. */
function browser(): string {
  const names = process.env.GPU_MLP_BROWSER ? [process.env.GPU_MLP_BROWSER] : ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const folders = (process.env.PATH ?? "").split(delimiter);
  const found = names.flatMap((name) => (name.includes("/") ? [resolve(name)] : folders.map((folder) => join(folder, name)))).find(existsSync);
  if (!found) throw new Error(`there is no ${names.join(", ")}: set GPU_MLP_BROWSER to a Chromium`);
  return found;
}

export default defineConfig({
  testDir: "tests",
  outputDir: repository("target/web-test-results"),
  reporter: "list",
  // A software adapter takes all cores: two tests at a time would measure each other.
  workers: 1,
  retries: 0,
  forbidOnly: true,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  use: {
    baseURL: "http://127.0.0.1:8719/",
    viewport: { width: 1280, height: 900 },
    launchOptions: {
      executablePath: browser(),
      args: [
        "--no-sandbox",
        "--enable-unsafe-webgpu",
        "--use-webgpu-adapter=swiftshader",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  webServer: {
    command: `"${PROGRAM}" web --port 8719 --site "${DIST}"`,
    url: "http://127.0.0.1:8719/",
    reuseExistingServer: false,
  },
});
