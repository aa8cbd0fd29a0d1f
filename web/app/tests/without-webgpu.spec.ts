/** Browsers that have no GPU for the page. */
import type { Page } from "@playwright/test";
import { launch } from "./chromium";
import { beforeTrainer, expect, open, openTrain, test, train } from "./fixture";

test.use({ launchOptions: launch({ webgpu: false }) });

async function expectCpu(page: Page) {
  await openTrain(page, { device: "auto", epochs: 1, hidden: "16" });
  await expect(page.getByText(/^There is no GPU here, so the CPU trains, with SIMD/)).toBeVisible();
  await expect(page.locator(".notice.warn .small").first(), "it says why").toHaveText(/\w/);
  await train(page);
  await expect(page.getByLabel("Where it is")).toContainText("Devicecpu");
  await open(page, "device");
  await expect(page.getByText("There is no GPU that this tab can use, so the CPU computes.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Check this device: GPU" })).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Check this device: CPU" })).toBeEnabled();
}

test("where there is no adapter, the CPU trains, and the page says why", async ({ page }) => {
  await expectCpu(page);
});

test("where there is no WebGPU, the CPU trains, and the page says why", async ({ page }) => {
  await beforeTrainer(page, "delete WorkerNavigator.prototype.gpu;");
  await page.addInitScript("delete Navigator.prototype.gpu;");
  await expectCpu(page);
});
