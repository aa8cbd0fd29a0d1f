import type { Page } from "@playwright/test";
import { expect, open, test } from "./fixture";

const numbers = (page: Page) => page.getByRole("region", { name: "The trainings in numbers" });

/** The table: of each training its label and its numbers. */
const rows = (page: Page) =>
  numbers(page)
    .locator("tbody tr")
    .evaluateAll((rows) => (rows as HTMLTableRowElement[]).map((row) => [...row.cells].map((cell) => cell.textContent!)));

test("an injected bug parts the curves", async ({ page }) => {
  await open(page, "bugs");
  await page.getByLabel("Search in names").fill("missing-batch-mean");
  const box = page.getByRole("checkbox", { name: /^missing-batch-mean/ });
  await box.check();
  await page.getByLabel("Epochs").fill("2");
  await expect(page).toHaveURL(/#\/bugs\?bug=missing-batch-mean&epochs=2$/);
  await page.getByRole("button", { name: "Train right and wrong" }).click();
  await expect(numbers(page)).toBeVisible({ timeout: 40_000 });
  const [right, wrong, ...more] = await rows(page);
  expect(more).toEqual([]);
  expect(wrong![0]).toContain("missing-batch-mean");
  // From the same weights on, and the bug makes the difference.
  expect(wrong![1]).toBe(right![1]);
  expect(wrong!.slice(2)).not.toEqual(right!.slice(2));

  const losses = page.locator(".curves", { hasText: "Printed loss" });
  await expect(losses.locator(".curves-legend li")).toHaveCount(2);
  // Both in their colours, and at other heights: where their pixels are in the right half of the plot.
  const heights = await losses.locator("canvas").evaluate((canvas: HTMLCanvasElement) => {
    const lines = [...canvas.closest(".curves")!.querySelectorAll(".curves-legend line")];
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, width, height);
    return lines.map((line) => {
      const wanted = getComputedStyle(line).stroke.match(/\d+/g)!.map(Number);
      const rows: number[] = [];
      for (let i = 0; i < width * height; i++) {
        if (i % width > width / 2 && data[4 * i + 3] === 255 && wanted.every((value, c) => Math.abs(value - data[4 * i + c]!) < 8)) rows.push(Math.floor(i / width));
      }
      return { pixels: rows.length, mean: rows.reduce((a, b) => a + b, 0) / rows.length };
    });
  });
  for (const { pixels } of heights) expect(pixels).toBeGreaterThan(20);
  expect(Math.abs(heights[0]!.mean - heights[1]!.mean)).toBeGreaterThan(3);
});

test("the question's five trainings start, and a stop ends them", async ({ page }) => {
  await open(page, "bugs");
  await page.getByRole("button", { name: "the question's five trainings" }).click();
  await page.getByRole("button", { name: "Train right and wrong" }).click();
  const losses = page.locator(".curves", { hasText: "Printed loss" });
  await expect(losses.locator(".curves-legend li")).toHaveCount(5);
  await expect(losses.locator(".curves-legend .mono").first()).toHaveText(/^\d/);
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await expect(page.getByRole("button", { name: "Train right and wrong" })).toBeEnabled();
  await expect(numbers(page)).toHaveCount(0);
});
