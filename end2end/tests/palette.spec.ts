import { axe, sideways } from "../support/checks";
import { awake, expect, test } from "../support/fixtures";

test("everything in the palette is a link or a button of a page, without a script too", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("contentinfo").getByRole("link", { name: "Go to…" }).focus();
  const href = await page.locator("#palette-open").getAttribute("href");
  await page.goto(href!);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Go to");
  await expect(page.getByRole("link", { name: "Download as CSV" })).toHaveAttribute("href", "/pairs.csv");
  await page.locator("#q").fill("ledger");
  await page.getByRole("search").getByRole("button", { name: "Apply" }).click();
  await page.getByRole("main").getByRole("link", { name: "Ledger" }).click();
  await expect(page).toHaveURL(/\/ledger$/);
});

test("a pair is found by its number, and its acts by name, without a script too", async ({ page }) => {
  await page.goto("/");
  const row = page.locator("#rows tbody a[data-row]").first();
  const number = (await row.locator(".number").textContent())!.trim();
  await page.goto(`/palette?q=${encodeURIComponent(number)}`);
  await page.getByRole("main").getByRole("region", { name: "Linked incidents" }).getByRole("link").first().click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText(number);
  const pair = new URL(page.url()).pathname;
  await page.goto(`/palette?of=${encodeURIComponent(pair)}&q=again`);
  await page.getByRole("main").getByRole("button", { name: "Look again" }).click();
  await expect(page).toHaveURL(new RegExp(pair));
  await expect(page.locator(".flash")).toContainText("read afresh");
});

test("a pair is rebuilt by one click and a confirmation with its plan, without a script too", async ({ page }) => {
  await page.goto("/?sync=in-step");
  await page.locator("#rows tbody a[data-row]").first().click();
  await expect(page.getByRole("button", { name: "Look again" })).toBeVisible();
  await page.getByRole("link", { name: "Rebuild from both sides…" }).click();
  await expect(page.getByRole("heading", { name: "What would be written" })).toBeVisible();
  await page.getByRole("button", { name: "Rebuild from both sides" }).click();
  await expect(page).toHaveURL(/\/pairs\//);
  await expect(page.locator(".flash")).toContainText("rebuilt");
});

test.describe("by keys alone", () => {
  test.skip(({ javaScriptEnabled }) => !javaScriptEnabled, "keys need a script");

  test("Ctrl K finds pages and incidents, and closes by Escape", async ({ page }) => {
    await page.goto("/");
    await awake(page);
    await page.keyboard.press("Control+k");
    const palette = page.getByRole("dialog", { name: "Go to" });
    await expect(palette).toBeVisible();
    await expect(page.locator("#palette-q")).toBeFocused();
    await expect(palette.getByRole("link", { name: "Ledger" })).toBeVisible();
    expect(await axe(page)).toEqual([]);
    await page.setViewportSize({ width: 320, height: 480 });
    expect(await sideways(page)).toBe(0);
    await page.setViewportSize({ width: 1280, height: 720 });
    await page.keyboard.press("ArrowDown");
    await expect(palette.getByRole("link").or(palette.locator("#palette-found button")).first()).toBeFocused();
    await page.keyboard.press("ArrowUp");
    await expect(page.locator("#palette-q")).toBeFocused();
    await page.keyboard.press("Escape");
    await expect(palette).toBeHidden();
    await page.keyboard.press("Control+k");
    await page.keyboard.type("backfill");
    await expect(palette.getByRole("link")).toHaveCount(1);
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/\/backfill$/);
  });

  test("r has the focused row's pair looked at again; x ticks the row", async ({ page }) => {
    await page.goto("/");
    await awake(page);
    await page.keyboard.press("j");
    await page.keyboard.press("x");
    await expect(page.locator("#rows input[type=checkbox]:checked")).toHaveCount(1);
    await page.keyboard.press("r");
    await expect(page.locator(".flash")).toContainText("read afresh");
    await expect(page).toHaveURL(/\/$/);
  });

  test("nothing but Ctrl K fires while one types, and it works where single keys are off", async ({ page }) => {
    await page.goto("/");
    await awake(page);
    await page.keyboard.press("/");
    await page.keyboard.type("rxjk?");
    await expect(page.locator("#q")).toHaveValue("rxjk?");
    await page.keyboard.press("Control+k");
    await expect(page.locator("#palette-q")).toBeFocused();
    await page.keyboard.press("Escape");
    await expect(page.locator("#q")).toHaveValue("rxjk?");
    await page.context().addCookies([{ name: "keys", value: "off", url: page.url() }]);
    await page.goto("/");
    await awake(page);
    await page.keyboard.press("?");
    await expect(page.locator("dialog#keys")).toBeHidden();
    await page.keyboard.press("Control+k");
    await expect(page.getByRole("dialog", { name: "Go to" })).toBeVisible();
  });
});
