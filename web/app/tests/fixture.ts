/** What all tests have: a page that fails its test if it errs, or asks anybody else for anything. */
import { readFileSync } from "node:fs";
import { expect, test as base } from "@playwright/test";
import type { Locator, Page } from "@playwright/test";

export { expect };

interface Fixtures {
  /** Every request of the page and its workers, as `GET http://…`. */
  requests: string[];
}

export const test = base.extend<Fixtures>({
  requests: [
    async ({ page, baseURL }, use) => {
      const problems: string[] = [];
      const requests: string[] = [];
      page.on("console", (message) => {
        if (message.type() === "error") problems.push(`console: ${message.text()}`);
      });
      page.on("pageerror", (error) => problems.push(`page: ${error.stack ?? error.message}`));
      page.on("crash", () => problems.push("the page crashed"));
      page.context().on("request", (request) => {
        requests.push(`${request.method()} ${request.url()}`);
        const { protocol, origin } = new URL(request.url());
        const own = protocol === "data:" || protocol === "blob:" || origin === new URL(baseURL!).origin;
        if (!own || request.method() !== "GET") problems.push(`request: ${request.method()} ${request.url()}`);
      });
      await use(requests);
      expect(problems, "errors, or requests to others").toEqual([]);
    },
    { auto: true },
  ],
});

/** Opens a page of the site anew, `doctor` or `train?hidden=8`. */
export async function open(page: Page, address: string): Promise<void> {
  await page.goto("about:blank");
  await page.goto(`#/${address}`);
  await expect(page.locator("h1")).toBeVisible();
}

export interface Settings {
  hidden?: string;
  epochs?: number;
  batch_size?: number;
  device?: "auto" | "cpu" | "gpu";
  [name: string]: string | number | undefined;
}

/** Opens the page Train with settings, and waits until its data are read. */
export async function openTrain(page: Page, settings: Settings = {}): Promise<void> {
  await open(page, `train?${new URLSearchParams(Object.entries({ device: "cpu", ...settings }).map(([name, value]) => [name, String(value)]))}`);
  await expect(page.getByText(/^Read: /)).toBeVisible();
}

/** What the training is at: `Running.` */
export const state = (page: Page): Locator => page.getByRole("region", { name: "Training" }).getByRole("status").first();

/** Starts, and waits for the end. */
export async function train(page: Page, timeout = 45_000): Promise<void> {
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await expect(state(page)).toHaveText(/^(Finished|It ended)/, { timeout });
  await expect(state(page)).toHaveText(/^Finished/);
}

/** Clicks a button that saves a file, and gives the path of the file. */
export async function saved(page: Page, button: string): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: button, exact: true }).click()]);
  const path = test.info().outputPath(download.suggestedFilename());
  await download.saveAs(path);
  return path;
}

/** Drops files on a place by a real event with a DataTransfer. */
export async function drop(place: Locator, files: Record<string, string | Buffer>): Promise<void> {
  const given = Object.entries(files).map(([name, content]) => ({ name, base64: Buffer.from(content).toString("base64") }));
  const transfer = await place.page().evaluateHandle((given) => {
    const data = new DataTransfer();
    for (const { name, base64 } of given) data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name));
    return data;
  }, given);
  await place.dispatchEvent("dragover", { dataTransfer: transfer });
  await place.dispatchEvent("drop", { dataTransfer: transfer });
}

export const dropFile = (place: Locator, path: string) => drop(place, { [path.split("/").at(-1)!]: readFileSync(path) });

/** Has JavaScript run in the trainer's worker before its own. */
export async function beforeTrainer(page: Page, script: string): Promise<void> {
  await page.route(/\/assets\/trainer-[^/]*\.js$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${script}\n${await response.text()}` });
  });
}
