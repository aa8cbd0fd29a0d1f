/** The pages that look into a network, and draw for it. */
import { expect, open, test } from "./fixture";

test.beforeEach(async ({ page }) => {
  await open(page, "draw");
  await page.getByRole("button", { name: "Train one on the digits" }).click();
  await expect(page.getByText("For the network of this tab, 784-300-75-10.")).toBeVisible({ timeout: 30_000 });
});

test("a drawn 1 is recognised", async ({ page }) => {
  const prediction = page.getByLabel("Prediction");
  const pad = (await page.getByRole("img", { name: "Canvas to draw a digit on" }).boundingBox())!;
  const at = (x: number, y: number) => [pad.x + x * pad.width, pad.y + y * pad.height] as const;
  await page.mouse.move(...at(0.55, 0.15));
  await page.mouse.down();
  await page.mouse.move(...at(0.47, 0.85), { steps: 20 });
  await page.mouse.up();
  await expect(prediction).toHaveText("1");

  // What the network sees: white where the line is, black at the rim.
  const picture = page.getByRole("img", { name: "The picture that the network sees" });
  const grey = await picture.evaluate((canvas: HTMLCanvasElement) => {
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, width, height);
    return { width, height, values: Array.from({ length: width * height }, (_, i) => data[4 * i]!) };
  });
  expect([grey.width, grey.height]).toEqual([28, 28]);
  expect(Math.max(...grey.values)).toBeGreaterThan(200);
  expect(grey.values.filter((_, i) => i % 28 < 4 || i % 28 >= 24).every((value) => value === 0)).toBe(true);

  const bars = page.getByRole("list", { name: "Probabilities" }).getByRole("listitem");
  await expect(bars).toHaveCount(10);
  await page.getByRole("button", { name: "Clear" }).click();
  await expect(prediction).toHaveCount(0);
  await expect(page.getByText("Draw something")).toBeVisible();
});

test("what a network has learnt, and its mistakes", async ({ page }) => {
  await page.getByRole("link", { name: "Look", exact: true }).click();
  const units = page.getByRole("group", { name: /^Units of the first layer/ });
  await expect(units.getByRole("button")).toHaveCount(64);
  const colours = await units.locator("canvas").first().evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    return { size: [canvas.width, canvas.height], different: new Set(new Uint32Array(data.buffer)).size };
  });
  expect(colours.size).toEqual([28, 28]);
  expect(colours.different, "weights that were learnt differ").toBeGreaterThan(50);

  const grid = page.getByRole("grid", { name: "Confusion matrix" });
  const cells = grid.locator("tbody").getByRole("gridcell");
  await expect(cells).toHaveCount(100);
  await expect(page.getByRole("region", { name: "On the test samples" })).toContainText(/accuracy [\d.]+ %/);
  const counts = (await cells.allTextContents()).map(Number);
  expect(counts.reduce((a, b) => a + b)).toBe(2000);
  const right = counts.filter((_, i) => i % 11 === 0).reduce((a, b) => a + b);
  await expect(page.getByRole("region", { name: "On the test samples" })).toContainText(`accuracy ${(100 * (right / 2000)).toFixed(1)} %`);

  // The keyboard moves through the matrix.
  await cells.first().focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await expect(cells.nth(21)).toBeFocused();
  await expect(page.getByText(`Actual 2, predicted 1: ${counts[21]} of 200`)).toBeVisible();
  await page.keyboard.press("End");
  await expect(cells.nth(29)).toBeFocused();

  // A mistake is shown on its way through the layers.
  const mistake = page.getByRole("group", { name: /^Most confident mistakes/ }).getByRole("button").first();
  const [, sample, actual, predicted] = /^Sample (\d+): actual (\d), predicted (\d)/.exec((await mistake.getAttribute("aria-label"))!)!;
  expect(actual).not.toBe(predicted);
  await mistake.click();
  await expect(mistake).toHaveAttribute("aria-pressed", "true");
  const way = page.getByRole("region", { name: "A sample's way through the layers" });
  await expect(way.getByRole("spinbutton")).toHaveValue(sample!);
  await expect(way.getByRole("application", { name: "Hidden layer 1: 300 units; arrow keys move" })).toBeVisible();
  await expect(way.getByRole("application", { name: "Hidden layer 2: 75 units; arrow keys move" })).toBeVisible();
  await expect(way.locator(".bars .best .bar-name")).toHaveText(predicted!);
  await expect(way.locator(".bars li", { hasText: "actual" })).toContainText(`${actual} actual`);
});
