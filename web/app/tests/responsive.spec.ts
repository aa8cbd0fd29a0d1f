/** How long a reader waits, and whether a tab stays as it is while it computes. */
import type { Page } from "@playwright/test";
import { beforeTrainer, expect, openTrain, state, test } from "./fixture";
import type { Settings } from "./fixture";

const note = (type: string, description: string) => {
  test.info().annotations.push({ type, description });
  console.log(`      ${type}: ${description}`);
};

test("the landing page is usable within 2 seconds", async ({ page }) => {
  const since = () => page.evaluate(() => Math.round(performance.now()));
  await page.goto("./", { waitUntil: "commit" });
  await page.getByRole("button", { name: "Choose files…" }).waitFor();
  await expect(page.getByRole("button", { name: "Choose files…" })).toBeEnabled();
  const shown = await since();
  // An answer takes the module.
  await page.getByRole("button", { name: "The question's network" }).click();
  await page.locator(".verdict").waitFor();
  const answered = await since();
  note("landing page", `shown after ${shown} ms, an example answered after ${answered} ms`);
  expect(answered).toBeLessThan(2000);
});

/** Notes every task of the main thread that blocks it for more than 50 ms; the browser tells of no shorter ones. */
const watchBlocks = (page: Page) =>
  page.addInitScript(() => {
    const blocks: number[] = [];
    Object.assign(window, { blocks });
    new PerformanceObserver((list) => blocks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask", buffered: true });
  });
const blocks = (page: Page) => page.evaluate(() => (window as unknown as { blocks: number[] }).blocks);

for (const device of ["cpu", "gpu"] as const) {
  test(`the page is never blocked for 100 ms while it trains on the ${device.toUpperCase()}`, async ({ page }) => {
    await watchBlocks(page);
    await openTrain(page, { device, epochs: 1000 });
    const before = (await blocks(page)).length;
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await expect(page.getByLabel("Where it is")).toContainText(/\d samples\/s/, { timeout: 30_000 });
    await page.waitForTimeout(6000);
    await expect(state(page)).toHaveText("Running.");
    const during = (await blocks(page)).slice(before);
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await expect(state(page)).toHaveText("Stopped.");
    const longest = Math.max(0, ...during);
    note(`longest block, ${device}`, longest > 0 ? `${longest} ms` : "below 50 ms");
    note(`speed, ${device}`, (await page.getByLabel("Where it is").textContent())!.split("Speed")[1]!);
    expect(longest).toBeLessThan(100);

    // The watch would have seen one.
    await page.evaluate(() => {
      setTimeout(() => {
        const end = performance.now() + 150;
        while (performance.now() < end);
      });
    });
    await expect.poll(async () => Math.max(0, ...(await blocks(page)))).toBeGreaterThan(100);
  });
}

/** Bytes of the page's heap after a collection, and of the module's memory. */
async function memory(page: Page): Promise<() => Promise<number[]>> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  return async () => {
    await session.send("HeapProfiler.collectGarbage");
    const { metrics } = await session.send("Performance.getMetrics");
    const heap = metrics.find(({ name }) => name === "JSHeapUsedSize")!.value;
    const trainer = page.workers().find((worker) => worker.url().includes("/trainer-"))!;
    return [heap, await trainer.evaluate(() => (self as unknown as { memory: WebAssembly.Memory }).memory.buffer.byteLength)];
  };
}

/** Keeps the memory of the module where a test finds it. */
const KEEP_MEMORY = `
for (const name of ["instantiate", "instantiateStreaming"]) {
  const original = WebAssembly[name];
  WebAssembly[name] = async (...given) => {
    const made = await original.apply(WebAssembly, given);
    self.memory = (made.instance ?? made).exports.memory;
    return made;
  };
}`;

for (const settings of [{ device: "cpu", hidden: "32, 16", batch_size: 64 }, { device: "gpu", hidden: "8", batch_size: 1000 }] as Settings[]) {
  test(`memory stays as it is in 50 epochs on the ${settings.device!.toUpperCase()}`, async ({ page }) => {
    await beforeTrainer(page, KEEP_MEMORY);
    await openTrain(page, { ...settings, epochs: 50 });
    const measure = await memory(page);
    await page.getByRole("button", { name: "Start", exact: true }).click();
    const progress = page.getByRole("progressbar", { name: "Progress of the training" });
    await expect(progress).toBeVisible();
    const seen: { epoch: number; bytes: number[] }[] = [];
    while ((await state(page).textContent()) === "Running.") {
      const epoch = Number(await progress.getAttribute("value"));
      seen.push({ epoch, bytes: await measure() });
      await page.waitForTimeout(50);
    }
    await expect(state(page)).toHaveText(/^Finished/);
    // The first epochs warm up: buffers come to their size.
    const first = seen.filter(({ epoch }) => epoch >= 5 && epoch < 15);
    const last = seen.filter(({ epoch }) => epoch >= 40);
    expect(Math.min(first.length, last.length), "it was measured early and late").toBeGreaterThan(0);
    const mean = (some: typeof seen, which: number) => some.reduce((sum, { bytes }) => sum + bytes[which]!, 0) / some.length;
    ["heap of the page", "memory of the module"].forEach((name, which) => {
      const [early, late] = [mean(first, which), mean(last, which)];
      note(`${name}, ${settings.device}`, `${(early / 2 ** 20).toFixed(1)} MiB early, ${(late / 2 ** 20).toFixed(1)} MiB late`);
      expect(late, name).toBeLessThan(1.2 * early);
    });
  });
}
