import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { drop, dropFile, expect, open, test } from "./fixture";
import { QUESTION, repository, run } from "./program";

const place = (page: Page) => page.getByRole("group", { name: /^Drop an \.npz/ });
const answer = (page: Page) => page.getByRole("region", { name: /^The answer for/ });
const verdict = (page: Page) => page.locator(".verdict");

async function choose(page: Page, button: string, files: string | string[]) {
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: button }).click()]);
  await chooser.setFiles(files);
}

async function reportText(page: Page): Promise<string> {
  await page.getByText("As the command line prints it").click();
  return (await page.getByRole("region", { name: "The report as text" }).textContent())!;
}

/** The doctor natively; it exits with 1 if there is a bug. */
const native = (...args: string[]) => run(["doctor", ...args], { accepted: [0, 1] });

/** Without the digits of rounding errors: a CPU may fuse multiplication and addition of float64, and a tab never does. */
const rounded = (report: string) => report.trimEnd().replace(/\b(0\.0e0|\d\.\de-(1[4-9]|2\d))/g, "nearly 0");

test.beforeEach(({ page }) => open(page, "doctor"));

test("a dropped file has its three bugs named, as the program names them", async ({ page, requests }) => {
  await expect.poll(() => requests.filter((request) => request.endsWith(".wasm")).length, "the module is fetched").toBe(1);
  const before = requests.length;
  await dropFile(place(page), QUESTION);
  await expect(verdict(page)).toHaveText("The first wrong tensor is p. The bug: softmax-whole-batch.");
  await expect(answer(page).getByText(/^Bugs in all:/)).toHaveText("Bugs in all: softmax-whole-batch, softmax-jacobian, bias-last-sample-scalar.");

  expect(rounded(await reportText(page))).toBe(rounded(native(QUESTION)));

  const mathematics = answer(page).getByRole("region", { name: "The mathematics" });
  expect(await mathematics.locator("math").count()).toBeGreaterThan(1);
  await expect(mathematics.locator("math mfrac, math mo").first()).toBeAttached();

  const maps = answer(page).getByRole("application");
  await expect(maps).toHaveCount(3);
  await expect(maps.nth(0)).toHaveAccessibleName("p as given: 37 by 4 values; arrow keys move");
  await expect(maps.nth(1)).toHaveAccessibleName("p as it should be: 37 by 4 values; arrow keys move");
  // Each row of the right softmax sums to 1, which the whole given matrix does.
  const value = async (map: number) => {
    await maps.nth(map).focus();
    await page.keyboard.press("ArrowRight");
    const sum = [];
    for (let col = 0; col < 4; col++) {
      sum.push(Number((await answer(page).locator(".heat-map-value").nth(map).textContent())!.split(": ")[1]));
      await page.keyboard.press("ArrowRight");
    }
    return sum.reduce((a, b) => a + b);
  };
  expect(await value(0)).toBeLessThan(0.5);
  expect(await value(1)).toBeCloseTo(1, 2);

  expect(requests.slice(before), "nothing is uploaded, and nothing more is fetched").toEqual([]);
});

test("a chosen file is examined as a dropped one is, in another language if that is chosen", async ({ page }) => {
  await choose(page, "Choose files…", QUESTION);
  await expect(verdict(page)).toContainText("softmax-whole-batch");
  await answer(page).getByLabel("Language").selectOption("julia");
  const line = native(QUESTION, "--language", "julia").match(/right: (.*?)\s+#/)![1]!;
  await expect(answer(page).getByRole("region", { name: "The right line for p" })).toContainText(line);
  expect(rounded(await reportText(page))).toBe(rounded(native(QUESTION, "--language", "julia")));
});

test("a replay in the tab draws what the bug does", async ({ page }) => {
  await dropFile(place(page), QUESTION);
  await page.getByRole("button", { name: "See what this bug does to training" }).click();
  const table = page.getByRole("region", { name: "The trainings in numbers" });
  await expect(table).toBeVisible({ timeout: 40_000 });
  const losses = await table.locator("tbody tr").evaluateAll((rows) => rows.map((row) => (row as HTMLTableRowElement).cells[3]!.textContent));
  expect(losses).toHaveLength(2);
  expect(losses[0]).not.toBe(losses[1]);
  await expectInk(page);
});

/** Something is drawn in colours of the palette on every plot. */
async function expectInk(page: Page) {
  const plots = page.locator(".curves canvas");
  expect(await plots.count()).toBeGreaterThan(1);
  for (const plot of await plots.all()) {
    const coloured = await plot.evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let i = 0; i < data.length; i += 4) {
        if (data[i + 3]! > 200 && Math.max(data[i]!, data[i + 1]!, data[i + 2]!) - Math.min(data[i]!, data[i + 1]!, data[i + 2]!) > 60) count++;
      }
      return count;
    });
    expect(coloured).toBeGreaterThan(100);
  }
}

for (const [button, file, says] of [
  ["The question's network", "question", /The bug: softmax-whole-batch/],
  ["Softmax over the batch", "softmax-over-the-batch", /The bug: softmax-whole-batch/],
  ["No 1/N", "no-mean", /The bug: missing-batch-mean\.$/],
  ["No ReLU derivative", "derivative-missing", /The bug: activation-derivative-missing\.$/],
  ["Bias of the last sample", "bias-last-sample", /The bug: bias-last-sample\.$/],
  ["Updated too early", "updated-too-early", /The bug: updated-weights-in-backward\.$/],
  ["A correct step", "correct", /^Clean: all \d+ tensors checked are what they should be\.$/],
] as const) {
  test(`the example "${button}" is answered as the program answers it`, async ({ page }) => {
    await page.getByRole("button", { name: button, exact: true }).click();
    await expect(answer(page)).toBeVisible();
    await expect(verdict(page)).toHaveText(says);
    const path = repository(`web/app/public/examples/${file}.npz`);
    const report = JSON.parse(native(path, "--json"));
    for (const { bug } of report.findings) await expect(answer(page)).toContainText(bug);
    expect(rounded(await reportText(page))).toBe(rounded(native(path)));
  });
}

/** One batch of a network without hidden layers. Its one bug: db1 is of the last sample alone. */
function arrays() {
  const X = [[0.5, -1.2], [1.5, 0.3], [-0.7, 0.9], [0.2, 0.4], [-1.1, -0.6]];
  const y = [0, 1, 2, 1, 0];
  const W1 = [[0.3, -0.5, 0.8], [-0.2, 0.7, 0.1]];
  const b1 = [0.1, -0.3, 0.05];
  const z1 = X.map((x) => b1.map((b, j) => x[0]! * W1[0]![j]! + x[1]! * W1[1]![j]! + b));
  const p = z1.map((z) => z.map((v) => Math.exp(v) / z.reduce((sum, v) => sum + Math.exp(v), 0)));
  const dz1 = p.map((row, i) => row.map((v, j) => (v - (y[i] === j ? 1 : 0)) / X.length));
  const dW1 = W1.map((_, k) => b1.map((_, j) => dz1.reduce((sum, d, i) => sum + X[i]![k]! * d[j]!, 0)));
  const db1 = dz1.at(-1)!;
  return { X, y, W1, b1, z1, p, dz1, dW1, db1 };
}

test("pasted arrays are examined", async ({ page }) => {
  await page.getByText("Paste small arrays as JSON").click();
  await page.getByLabel("An object of nested lists").fill(JSON.stringify(arrays()));
  await page.getByRole("button", { name: "Examine", exact: true }).click();
  await expect(verdict(page)).toHaveText("The first wrong tensor is db1. The bug: bias-last-sample.");
});

test("a folder of .csv and .npy files is examined", async ({ page }) => {
  const folder = test.info().outputPath("batch");
  mkdirSync(folder);
  for (const [name, array] of Object.entries(arrays())) {
    const rows = array.map((row) => (Array.isArray(row) ? row : [row]));
    if (name === "X") writeFileSync(`${folder}/${name}.npy`, npy(rows));
    else writeFileSync(`${folder}/${name}.csv`, rows.map((row) => `${row.join(",")}\n`).join(""));
  }
  writeFileSync(`${folder}/.DS_Store`, "what a system leaves behind");
  await choose(page, "Choose a folder…", folder);
  await expect(verdict(page)).toHaveText("The first wrong tensor is db1. The bug: bias-last-sample.");
});

/** NumPy's format, version 1. */
function npy(rows: number[][]): Buffer {
  const header = `{'descr': '<f8', 'fortran_order': False, 'shape': (${rows.length}, ${rows[0]!.length}), }`;
  const text = `${header.padEnd(128 - 10 - 1)}\n`;
  const values = Buffer.alloc(8 * rows.flat().length);
  rows.flat().forEach((value, i) => values.writeDoubleLE(value, 8 * i));
  return Buffer.concat([Buffer.from("\x93NUMPY\x01\x00", "latin1"), Buffer.from([text.length & 255, text.length >> 8]), Buffer.from(text), values]);
}

test("a damaged file is an error that says what to do, and the next file is examined", async ({ page }) => {
  const bytes = readFileSync(QUESTION);
  await drop(place(page), { "damaged.npz": bytes.subarray(0, bytes.length / 2) });
  const error = page.getByRole("alert");
  await expect(error).toContainText("damaged.npz");
  await expect(error).toContainText("Hint:");
  await expect(answer(page)).toHaveCount(0);
  await dropFile(place(page), QUESTION);
  await expect(verdict(page)).toContainText("softmax-whole-batch");
  await expect(error).toHaveCount(0);
});

test("several loose files are examined as a folder", async ({ page }) => {
  const files = Object.entries(arrays()).map(([name, array]) => [`${name}.csv`, array.map((row) => `${[row].flat().join(",")}\n`).join("")]);
  await drop(place(page), Object.fromEntries(files));
  await expect(verdict(page)).toHaveText("The first wrong tensor is db1. The bug: bias-last-sample.");
});
