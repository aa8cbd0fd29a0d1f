/** Where the site may lie. */
import { spawn } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import type { ChildProcess } from "node:child_process";
import { expect, test } from "./fixture";
import { DIST, PROGRAM } from "./program";

/** Serves a folder, and gives the address. */
function serve(folder: string): Promise<{ server: ChildProcess; address: string }> {
  const server = spawn(PROGRAM, ["web", "--port", "0", "--site", folder], { stdio: ["ignore", "pipe", "pipe"] });
  return new Promise((resolve, reject) => {
    let said = "";
    const hear = (text: Buffer) => {
      said += text;
      const address = /http:\/\/127\.0\.0\.1:\d+\//.exec(said)?.[0];
      if (address) resolve({ server, address });
    };
    server.stdout.on("data", hear);
    server.stderr.on("data", hear);
    server.on("exit", () => reject(new Error(said)));
  });
}

test.describe("below a path", () => {
  test.use({ baseURL: async ({}, use) => {
    const root = test.info().outputPath("root");
    cpSync(DIST, `${root}/some/path`, { recursive: true });
    writeFileSync(`${root}/index.html`, "<!doctype html><title>Elsewhere</title>");
    const { server, address } = await serve(root);
    await use(address);
    server.kill();
  } });

  test("the site works", async ({ page, baseURL, requests }) => {
    await page.goto("some/path/index.html");
    await page.getByRole("button", { name: "The question's network" }).click();
    await expect(page.locator(".verdict")).toContainText("softmax-whole-batch");
    await page.getByRole("link", { name: "Train", exact: true }).click();
    await expect(page.getByText("Read: 10,000 training, 2,000 test samples.")).toBeVisible();
    await expect(page.getByRole("button", { name: "Start", exact: true })).toBeEnabled();
    const elsewhere = requests.filter((request) => !request.startsWith(`GET ${baseURL}some/path/`) && !request.includes(" data:"));
    expect(elsewhere).toEqual([]);
  });
});
