import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";
import { launch } from "./tests/chromium";
import { DIST, PROGRAM, repository } from "./tests/program";

if (!existsSync(PROGRAM)) throw new Error(`there is no ${PROGRAM}: \`cargo build\` makes it, or GPU_MLP_PROGRAM names another one`);

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
    launchOptions: launch({ webgpu: true }),
  },
  webServer: {
    command: `"${PROGRAM}" web --port 8719 --site "${DIST}"`,
    url: "http://127.0.0.1:8719/",
    reuseExistingServer: false,
  },
});
