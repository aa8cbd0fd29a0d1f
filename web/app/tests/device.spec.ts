import { expect, open, test } from "./fixture";

for (const device of ["GPU", "CPU"]) {
  test(`every kernel is right on the ${device}`, async ({ page }) => {
    // SwiftShader compiles every kernel.
    test.setTimeout(180_000);
    await open(page, "device");
    await page.getByRole("button", { name: `Check this device: ${device}` }).click();
    const passed = page.getByText(new RegExp(`^All \\d+ checks passed on the ${device}\\.$`));
    await expect(passed.or(page.getByText(/checks failed/)).or(page.getByRole("alert"))).toBeVisible({ timeout: 170_000 });
    await expect(passed).toBeVisible();
    const results = page.getByRole("region", { name: "Kernels" }).locator("tbody tr");
    expect(await results.count()).toBeGreaterThan(10);
    for (const cell of await results.locator("td:nth-child(3)").allTextContents()) expect(cell).toBe("passed");
  });
}
