/** The tab against the program: the same seed and the same data give the same numbers. */
import { writeFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { beforeTrainer, drop, dropFile, expect, openTrain, saved, test, train } from "./fixture";
import type { Settings } from "./fixture";
import { recorded, run, SWIFTSHADER } from "./program";
import type { Recorded } from "./program";
import { table } from "./table";

const place = (page: Page) => page.getByRole("group", { name: /^Drop MNIST/ });

/** 200 steps: 20 epochs of 640 training samples. */
const setting = { hidden: "24,12", batch_size: 64, epochs: 20, lr: 0.05, momentum: 0.9, seed: 7 };

async function inTab(page: Page, device: Settings["device"]): Promise<Recorded[]> {
  await openTrain(page, { ...setting, device });
  await drop(place(page), { "table.csv": table(800) });
  await expect(page.getByText("Read: 640 training, 160 test samples.")).toBeVisible();
  await train(page);
  return recorded(await saved(page, "Save metrics.jsonl"));
}

function natively(backend: string, env: Record<string, string> = {}): Recorded[] {
  const [csv, out] = [test.info().outputPath("table.csv"), test.info().outputPath(`run-${backend}`)];
  writeFileSync(csv, table(800));
  const options = Object.entries(setting).flatMap(([name, value]) => [`--${name.replace("_", "-")}`, String(value)]);
  run(["train", "--data", csv, "--backend", backend, ...options, "--out", out, "--quiet"], { env });
  return recorded(`${out}/metrics.jsonl`);
}

function expectSame(tab: Recorded[], native: Recorded[], tolerance: number) {
  expect(native.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  expect(tab.map(({ epoch }) => epoch)).toEqual(native.map(({ epoch }) => epoch));
  // They learnt something, so equality says something.
  expect(native.at(-1)!.train_loss).toBeLessThan(0.7 * native[0]!.train_loss);
  const off = native.flatMap((epoch, i) => (["train_loss", "test_loss"] as const).map((name) => Math.abs(tab[i]![name] / epoch[name] - 1)));
  const worst = Math.max(...off);
  test.info().annotations.push({ type: "worst relative difference", description: worst.toExponential(1) });
  expect(worst).toBeLessThan(tolerance);
}

/** The module of the trainer that the browser took. */
const module = (requests: string[]) => requests.map((request) => /\/(trainer_[a-z]+)-[^/]*\.wasm$/.exec(request)?.[1]).filter(Boolean);

test("200 steps on the CPU are the program's on its CPU", async ({ page, requests }) => {
  expectSame(await inTab(page, "cpu"), natively("cpu"), 1e-4);
  expect(module(requests), "a current Chromium has relaxed SIMD").toEqual(["trainer_bg"]);
});

test("and so they are where the browser has no relaxed SIMD", async ({ page, requests }) => {
  await beforeTrainer(page, "WebAssembly.validate = () => false;");
  expectSame(await inTab(page, "cpu"), natively("cpu"), 1e-4);
  expect(module(requests)).toEqual(["trainer_plain"]);
});

test("200 steps on WebGPU are the program's on the same software adapter", async ({ page }) => {
  const tab = await inTab(page, "gpu");
  await expect(page.getByLabel("Where it is")).toContainText("webgpu");
  expectSame(tab, natively("cpu"), 1e-3);
  test.skip(!SWIFTSHADER, "SwiftShader's manifest is not at a usual place, so the tab was compared with the program's CPU alone");
  expectSame(tab, natively("vulkan", { VK_DRIVER_FILES: SWIFTSHADER! }), 1e-3);
});

/** As the page shows it. */
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** Of the network that the page holds, on the page Look. */
async function shownAccuracy(page: Page): Promise<string> {
  await page.getByRole("link", { name: "Look", exact: true }).click();
  const measured = page.getByRole("region", { name: "On the test samples" });
  await expect(measured).toContainText(/accuracy [\d.]+ %/);
  return /accuracy ([\d.]+ %)/.exec((await measured.textContent())!)![1]!;
}

const evaluated = (model: string): { accuracy: number; confusion_matrix: number[][] } =>
  JSON.parse(run(["eval", model, "--data", "digits", "--backend", "cpu", "--json"]));

test("the program evaluates a network that was saved in the tab to what the page shows", async ({ page }) => {
  await openTrain(page, { epochs: 2, hidden: "32", seed: 3 });
  await train(page);
  const model = await saved(page, "Save .safetensors");
  const { accuracy, confusion_matrix } = evaluated(model);
  expect(await shownAccuracy(page)).toBe(percent(accuracy));
  const cells = await page.getByRole("grid", { name: "Confusion matrix" }).locator("tbody td").allTextContents();
  expect(cells.map(Number)).toEqual(confusion_matrix.flat());
});

test("the page evaluates a network of the program to what the program says", async ({ page }) => {
  const out = test.info().outputPath("run");
  run(["train", "--data", "digits", "--backend", "cpu", "--hidden", "40,20", "--epochs", "2", "--seed", "5", "--out", out, "--quiet"]);
  await openTrain(page);
  await dropFile(page.getByRole("group", { name: /^Drop a \.safetensors/ }), `${out}/model.safetensors`);
  await expect(page.getByRole("region", { name: "Save and load" })).toContainText("Held: model.safetensors, 784-40-20-10.");
  expect(await shownAccuracy(page)).toBe(percent(evaluated(`${out}/model.safetensors`).accuracy));
});
