import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { dropFile, expect, open, openTrain, test, train } from "./fixture";
import { QUESTION } from "./program";

const PAGES = ["doctor", "bugs", "train", "look", "draw", "device"];
const SCHEMES = ["light", "dark"] as const;

async function expectAccessible(page: Page, what: string) {
  const { violations, passes } = await new AxeBuilder({ page }).analyze();
  expect(passes.length, "axe looked").toBeGreaterThan(10);
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("\n")}`);
  expect(found, what).toEqual([]);
}

/** What is wider than the window would have to be pushed about to be read. */
async function expectFits(page: Page, what: string) {
  for (const width of [360, 800, 1600]) {
    await page.setViewportSize({ width, height: 900 });
    // Plots are drawn anew for their new width.
    await expect
      .poll(() => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), { message: `${what} at ${width} pixels` })
      .toBe(0);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
}

async function expectGood(page: Page, what: string) {
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page, `${what}, ${colorScheme}`);
  }
  await expectFits(page, what);
}

test("every page as it opens", async ({ page }) => {
  for (const name of PAGES) {
    await open(page, name);
    await expect(page.getByText(/^(Loading…|Looking for a GPU…)$/)).toHaveCount(0);
    if (name === "train") await expect(page.getByText(/^Read: /)).toBeVisible();
    if (name === "bugs") await expect(page.getByText(/ of \d+ bugs$/)).toBeVisible();
    await expectGood(page, name);
  }
});

test("the landing page with everything unfolded, and with an error", async ({ page }) => {
  await open(page, "doctor");
  for (const summary of await page.locator("summary").all()) await summary.click();
  await expect(page.getByRole("region", { name: "Lines that export arrays" })).toBeVisible();
  await page.getByLabel("An object of nested lists").fill("[1, ");
  await page.getByRole("button", { name: "Examine", exact: true }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await expectGood(page, "unfolded");
});

test("a report, with a replay", async ({ page }) => {
  await open(page, "doctor");
  await dropFile(page.getByRole("group", { name: /^Drop an \.npz/ }), QUESTION);
  await page.getByRole("button", { name: "See what this bug does to training" }).click();
  await expect(page.getByRole("region", { name: "The trainings in numbers" })).toBeVisible({ timeout: 40_000 });
  for (const summary of await page.getByRole("region", { name: /^The answer for/ }).locator("summary").all()) await summary.click();
  await expectGood(page, "report");
});

test("a training, the look into its network, and a drawing for it", async ({ page }) => {
  await openTrain(page, { epochs: 2, hidden: "32, 16" });
  await train(page);
  await expectGood(page, "train");
  await page.getByRole("link", { name: "Look", exact: true }).click();
  await expect(page.getByRole("grid", { name: "Confusion matrix" })).toBeVisible();
  await expect(page.getByRole("application", { name: /^Hidden layer 2/ })).toBeVisible();
  await expectGood(page, "look");
  await page.getByRole("link", { name: "Draw", exact: true }).click();
  await page.getByRole("button", { name: "Lay on the canvas" }).click();
  await expect(page.getByLabel("Prediction")).toBeVisible();
  await expectGood(page, "draw");
});

test("a check of the device, and bugs that are chosen", async ({ page }) => {
  await open(page, "device");
  await page.getByRole("button", { name: "Check this device: CPU" }).click();
  await expect(page.getByRole("region", { name: "Kernels" })).toBeVisible({ timeout: 30_000 });
  await expectGood(page, "device");
  await open(page, "bugs?bug=softmax-jacobian&bug=bias-last-sample&epochs=1");
  await page.getByRole("button", { name: "Train right and wrong" }).click();
  await expect(page.getByRole("region", { name: "The trainings in numbers" })).toBeVisible({ timeout: 40_000 });
  await expectGood(page, "bugs");
});

test("the theme is chosen, and remembered", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await open(page, "doctor");
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await background();
  await page.getByLabel("Theme").selectOption("dark");
  const dark = await background();
  expect(dark).not.toBe(light);
  await page.reload();
  await expect(page.locator("h1")).toBeVisible();
  expect(await background()).toBe(dark);
});

test("the keyboard reaches everything of the landing page, in the order of the page", async ({ page }) => {
  await open(page, "doctor");
  for (const summary of await page.locator("summary").all()) await summary.click();
  await expect(page.getByRole("region", { name: "Lines that export arrays" })).toBeVisible();
  await page.getByLabel("An object of nested lists").fill("{}");
  // All that can be worked with, in the order of the document; of tabs the selected one alone.
  const wanted = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
      .filter((element) => element.checkVisibility() && !(element as HTMLButtonElement).disabled && element.tabIndex >= 0)
      .map((element, index) => (element.dataset.place = String(index))),
  );
  expect(wanted.length).toBeGreaterThan(25);
  const reached: string[] = [];
  // Back to the first one, by the keyboard, so that the focus is shown there, too.
  await page.locator(".site-name").focus();
  await page.keyboard.press("Shift+Tab");
  for (let i = 0; i < wanted.length; i++) {
    if (i > 0) await page.keyboard.press("Tab");
    const { place, seen } = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement;
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
      return { place: element.dataset.place ?? element.localName, seen: (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none" };
    });
    reached.push(place);
    expect(seen, `the focus is seen at ${place}`).toBe(true);
  }
  expect(reached).toEqual(wanted);

  // And it works them.
  await page.getByRole("button", { name: "A correct step" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("region", { name: /^The answer for/ })).toBeFocused();
});

test("a link of the navigation leads on at the new page", async ({ page }) => {
  await open(page, "doctor");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("main")).toBeFocused();
  await page.getByRole("link", { name: "Device", exact: true }).focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveTitle("Device - gpu-mlp");
  await expect(page.getByRole("main")).toBeFocused();
  await expect(page.getByRole("link", { name: "Device", exact: true })).toHaveAttribute("aria-current", "page");
});

test("nothing moves for who wants no motion", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  // The sites of scrolling, which tell how they were asked to scroll.
  await page.addInitScript(() => {
    const asked: string[] = [];
    Object.assign(window, { asked });
    const scroll = Element.prototype.scrollIntoView;
    Element.prototype.scrollIntoView = function (options) {
      asked.push(typeof options === "object" ? (options.behavior ?? "auto") : "auto");
      scroll.call(this, options);
    };
  });
  await open(page, "look");
  await page.getByRole("button", { name: "Train one on the digits" }).click();
  await page.getByRole("group", { name: /^Most confident mistakes/ }).getByRole("button").first().click({ timeout: 30_000 });
  expect(await page.evaluate(() => (window as unknown as { asked: string[] }).asked)).toEqual(["auto"]);
  const moving = await page.evaluate(() =>
    [...document.querySelectorAll("*")].filter((element) => {
      const { transitionDuration, animationName, scrollBehavior } = getComputedStyle(element);
      const seconds = Math.max(...transitionDuration.split(",").map(parseFloat));
      return seconds > 0.01 || animationName !== "none" || scrollBehavior === "smooth";
    }).length,
  );
  expect(moving).toBe(0);
});
