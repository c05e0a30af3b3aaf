import { awake, expect, signIn, test } from "../support/fixtures";

test.skip(({ javaScriptEnabled }) => !javaScriptEnabled, "islands need a script");

test("the page says that it is live", async ({ page }) => {
  await page.goto("/");
  await awake(page);
  await expect(page.locator("#live-state")).toHaveText("Live");
});

test("a hint swaps what changed, without a reload", async ({ page }) => {
  await page.goto("/");
  await awake(page);
  await expect(page.locator("#live-state")).toHaveText("Live");
  const before = await page.locator("#as-of").textContent();
  await page.evaluate(() => Object.assign(window, { same: true }));
  // a person's act is written down, and so is a hint for every open page
  const other = await page.context().newPage();
  await other.goto("/");
  await other.locator("#rows tbody a[data-row]").first().click();
  await other.getByRole("button", { name: "Look again" }).click();
  await expect(other.locator(".flash")).toBeVisible();
  await page.bringToFront();
  await expect(page.locator("#as-of")).not.toHaveText(before!);
  expect(await page.evaluate(() => "same" in window)).toBe(true);
});

test("one reading that failed is over with the next one that does not", async ({ browser, ready }) => {
  // A context of its own: the answer of 503 is meant.
  const context = await browser.newContext({ baseURL: ready.console, storageState: { cookies: [], origins: [] } });
  const page = await context.newPage();
  await signIn(page, ready);
  await page.goto("/");
  await awake(page);
  const state = page.locator("#live-state");
  await expect(state).toHaveText("Live");
  let refused = 0;
  let failing = true;
  await page.route(
    (url) => url.searchParams.get("fragment") === "1",
    async (route) => {
      if (!failing) return route.continue();
      refused += 1;
      return route.fulfill({ status: 503, body: "" });
    },
  );
  const pair = await page.locator("#rows tbody a[data-row]").first().getAttribute("href");
  // A person's act is written down, and so is a hint for this page; its stream stands all the while.
  const act = (what: string) => context.request.post(`${ready.console}${pair}/${what}`, { form: { next: "/" } });
  await act("look");
  await expect(state).toHaveText("Not connected: this page stands still", { timeout: 20_000 });
  expect(refused).toBeGreaterThan(0);
  failing = false;
  await act("sync");
  await expect(state).toHaveText("Live", { timeout: 20_000 });
  await context.close();
});

test("keys: help, search, jump, rows", async ({ page }) => {
  await page.goto("/");
  await awake(page);
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await expect(help).toBeVisible();
  await expect(help.getByRole("button", { name: "Close" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(help).toBeHidden();
  await page.keyboard.press("/");
  await expect(page.locator("#q")).toBeFocused();
  await page.keyboard.type("gp?");
  await expect(page.locator("#q")).toHaveValue("gp?");
  await page.locator("#q").blur();
  await page.keyboard.press("j");
  await expect(page.locator("[data-row]").first()).toBeFocused();
  await page.keyboard.press("j");
  await expect(page.locator("[data-row]").nth(1)).toBeFocused();
  await page.keyboard.press("k");
  await expect(page.locator("[data-row]").first()).toBeFocused();
  await page.keyboard.press("g");
  await page.keyboard.press("r");
  await expect(page).toHaveURL(/\/runs$/);
});

test("an open menu closes by Escape, and when something else is pressed or reached", async ({ page }) => {
  await page.goto("/");
  await awake(page);
  const menu = page.locator("details.menu > summary");
  const inside = page.getByRole("link", { name: "Account and preferences" });
  await menu.click();
  await expect(inside).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(inside).toBeHidden();
  await expect(menu).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(inside).toBeVisible();
  await page.getByRole("heading", { level: 1 }).click();
  await expect(inside).toBeHidden();
  await menu.click();
  await page.locator("#q").focus();
  await expect(inside).toBeHidden();
});

test("single keys can be switched off", async ({ page }) => {
  await page.goto("/account");
  await awake(page);
  await page.getByRole("group", { name: "Single-key shortcuts" }).getByLabel("Off").check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.goto("/");
  await awake(page);
  await page.keyboard.press("?");
  await expect(page.locator("dialog#keys")).toBeHidden();
  await page.getByRole("button", { name: "Keyboard shortcuts" }).click();
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toContainText("Single keys are off.");
});

test("a page whose session ended elsewhere says so and leads to the sign-in", async ({ browser, ready }) => {
  const context = await browser.newContext({ baseURL: ready.console, storageState: { cookies: [], origins: [] } });
  const page = await context.newPage();
  await signIn(page, ready);
  await awake(page);
  await expect(page.locator("#live-state")).toHaveText("Live");
  let asked = 0;
  const other = await context.newPage();
  await other.goto("/account");
  await other.locator("details.menu > summary").click();
  await other.getByRole("banner").getByRole("button", { name: "Sign out" }).click();
  await expect(other).toHaveURL(/\/sign-in/);
  await page.bringToFront();
  const state = page.locator("#live-state");
  await expect(state).toContainText("Your session has ended", { timeout: 20_000 });
  page.on("request", () => (asked += 1));
  await expect(state.getByRole("link", { name: "Sign in again" })).toHaveAttribute("href", /^\/sign-in/);
  await expect(state).toContainText("Your session has ended");
  expect(asked, "it asks for nothing more").toBe(0);
  await context.close();
});

test("a form of the set-up says that it waits, until its answer is there", async ({ page }) => {
  await page.goto("/set-up/halo");
  await awake(page);
  // Its answer never comes: what hears of it last keeps the form from being sent.
  await page.evaluate(() => window.addEventListener("submit", (event) => event.preventDefault()));
  await page.getByRole("button", { name: "Test by reading" }).click();
  await expect(page.getByRole("status").filter({ hasText: "This page waits for the answer" })).toBeVisible();
});
