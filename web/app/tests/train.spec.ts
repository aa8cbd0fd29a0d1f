import type { Page } from "@playwright/test";
import { drop, expect, open, openTrain, state, test, train } from "./fixture";
import { table } from "./table";

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const facts = (page: Page) => page.getByLabel("Where it is");
const data = (page: Page) => page.getByRole("region", { name: "Data" });
const place = (page: Page) => page.getByRole("group", { name: /^Drop MNIST/ });

test("the digits in three epochs on the CPU", async ({ page }) => {
  await openTrain(page, { epochs: 3 });
  await expect(data(page)).toContainText("Read: 10,000 training, 2,000 test samples.");
  await train(page);
  const shown = Number(/test accuracy ([\d.]+) %/.exec((await state(page).textContent())!)![1]);
  expect(shown).toBeGreaterThanOrEqual(90);
  expect(shown).toBeLessThanOrEqual(100);
  const rows = page.getByRole("region", { name: "Table of epochs" }).locator("tbody tr");
  await expect(rows).toHaveCount(3);
  await expect(rows.first().getByRole("rowheader")).toHaveText("3");
  await expect(page.locator(".curves")).toHaveCount(2);
});

test("a pause stops it, going on goes on, and a stop ends it", async ({ page }) => {
  await openTrain(page, { epochs: 500 });
  await button(page, "Start").click();
  await expect(facts(page)).toContainText(/samples/);
  await button(page, "Pause").click();
  await expect(state(page)).toHaveText("Paused.");
  // The page tells of the last piece of work a moment later.
  await page.waitForTimeout(500);
  const paused = await facts(page).textContent();
  await page.waitForTimeout(1000);
  expect(await facts(page).textContent(), "nothing is computed while it is paused").toBe(paused);

  await button(page, "Go on").click();
  await expect(state(page)).toHaveText("Running.");
  await expect(facts(page)).not.toHaveText(paused!);
  await button(page, "Stop").click();
  await expect(state(page)).toHaveText("Stopped.");
  const stopped = await facts(page).textContent();
  await page.waitForTimeout(700);
  expect(await facts(page).textContent(), "nothing is computed after a stop").toBe(stopped);
  expect(stopped).toMatch(/Speed[1-9][\d,]* samples\/s$/);
  await expect(button(page, "Start")).toBeEnabled();
});

test("a step is one step", async ({ page }) => {
  await openTrain(page, { epochs: 2, batch_size: 64 });
  for (let steps = 1; steps <= 4; steps++) {
    await button(page, "Step").click();
    await expect(facts(page)).toContainText(`1 of 2, ${64 * steps} of 10,000 samples, ${steps} steps`);
    await expect(state(page)).toHaveText("Paused.");
  }
  await page.waitForTimeout(500);
  await expect(facts(page)).toContainText("256 of 10,000 samples, 4 steps");
  await button(page, "Go on").click();
  await expect(state(page)).toHaveText(/^Finished/, { timeout: 30_000 });
});

test("a table with a broken row says which", async ({ page }) => {
  await openTrain(page);
  const lines = table(40).split("\n");
  lines[8] = "0.5,1";
  await drop(place(page), { "broken.csv": lines.join("\n") });
  const error = data(page).getByRole("alert");
  await expect(error).toContainText("broken.csv: line 9 has 2 columns, but the lines before it have 5");
  await expect(error).toContainText("Hint:");
  await button(page, "Start").click();
  await expect(state(page), "nothing is trained on what was read before").toHaveText("Not started.");
});

test("a table in doubt asks for its label column, and with it is read", async ({ page }) => {
  await openTrain(page);
  // No name is a usual one, and all columns are numbers that are measured.
  const rows = Array.from({ length: 60 }, (_, i) => [Math.sin(i), Math.cos(3 * i), Math.sin(5 * i + 1)].map((v) => v.toFixed(5)).join(","));
  await drop(place(page), { "doubt.csv": ["alpha,beta,gamma", ...rows].join("\n") });
  const error = data(page).getByRole("alert");
  await expect(error).toContainText("doubt.csv: it is not clear which column has the labels");
  await expect(error).toContainText("Hint: name the column of the labels with label column");
  await data(page).getByLabel("Label column").fill("beta");
  await button(page, "Read the data").click();
  await expect(error).toHaveCount(0);
  await expect(data(page)).toContainText("Read: 48 training, 12 test samples.");
  await expect(data(page).getByLabel("What was read")).toContainText("regression");
});

test("a link carries the settings", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await openTrain(page);
  const settings = page.getByRole("region", { name: "Settings" });
  await settings.getByLabel("Hidden layers").fill("24, 12");
  await settings.getByLabel("Activation").selectOption("gelu");
  await settings.getByLabel("Optimiser").selectOption("adamw");
  await expect(settings.getByLabel("Learning rate"), "the rate follows the optimiser").toHaveValue("0.001");
  await settings.getByLabel("Batch size").fill("50");
  await settings.getByLabel("Epochs").fill("1");
  await settings.getByLabel("Seed").fill("42");
  await settings.getByText("Momentum, weight decay, dropout").click();
  await settings.getByLabel("Dropout").fill("0.25");
  await button(page, "Copy link").click();
  await expect(settings.getByRole("status")).toContainText("Copied");
  const link = await page.evaluate(() => navigator.clipboard.readText());
  await expect(page).toHaveURL(link);

  await page.goto("about:blank");
  await page.goto(link);
  await expect(page.getByText(/^Read: /)).toBeVisible();
  const values = { "Hidden layers": "24, 12", Activation: "gelu", Optimiser: "adamw", "Batch size": "50", Epochs: "1", Seed: "42", Device: "cpu" };
  for (const [label, value] of Object.entries(values)) await expect(settings.getByLabel(label)).toHaveValue(value);
  await expect(settings.getByLabel("Dropout")).toHaveValue("0.25");
  await train(page);
  await expect(facts(page)).toContainText("784-24-12-10");
});

test("a link with what is no setting says so, and a wrong setting does not start", async ({ page }) => {
  await open(page, "train?hidden=8,x&speed=9&device=cpu");
  await expect(page.getByText("settings that this page does not know: speed")).toBeVisible();
  const hidden = page.getByLabel("Hidden layers");
  await expect(hidden).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByText(/^Read: /)).toBeVisible();
  await button(page, "Start").click();
  await expect(hidden).toBeFocused();
  await expect(state(page)).toHaveText("Not started.");
});
