import { expect, test } from "../support/fixtures";

/** Opens the first pair of the dashboard and says its address. */
async function openFirstPair(page: import("@playwright/test").Page): Promise<string> {
  await page.goto("/");
  const row = page.locator("#rows tbody a[data-row]").first();
  const address = await row.getAttribute("href");
  await row.click();
  await expect(page).toHaveURL(new RegExp(`${address}$`));
  return address!;
}

test("the dashboard says the truth in one sentence and its counts are links", async ({ page }) => {
  await page.goto("/");
  await expect(page.locator("p.truth")).toContainText(/incidents? in step; [\d,]+ needs? you/);
  const count = page.locator(".counters a").first();
  await count.click();
  await expect(page).toHaveURL(/\?sync=in-step$/);
  await expect(page.locator(".counters a[aria-current]")).toHaveText(/In step/);
});

test("the filter is in the address, and a pasted link shows the same", async ({ page }) => {
  await page.goto("/");
  await page.getByLabel("Severity").selectOption("High");
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(page).toHaveURL(/\/\?severity=High$/);
  await expect(page.getByLabel("Severity")).toHaveValue("High");
  for (const severity of await page.locator("tbody .severity").allTextContents()) {
    expect(severity.trim()).toBe("High");
  }
  await page.getByRole("link", { name: "Clear", exact: true }).click();
  await expect(page).toHaveURL(/\/$/);
});

test("a search without a match says so and leads back", async ({ page }) => {
  await page.goto("/?q=zzzz-there-is-no-such-incident");
  await expect(page.getByRole("heading", { name: "No pair matches the filter" })).toBeVisible();
  await page.getByRole("link", { name: "Clear the filter" }).click();
  await expect(page.locator("#rows tbody tr").first()).toBeVisible();
});

test("columns sort by links and say so", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("columnheader", { name: "Client" }).getByRole("link").click();
  await expect(page).toHaveURL(/sort=client/);
  await expect(page.getByRole("columnheader", { name: "Client" })).toHaveAttribute("aria-sort", "ascending");
  const names = await page.locator("tbody td[data-label=Client]").allTextContents();
  expect(names).toEqual([...names].sort((a, b) => a.toLowerCase().localeCompare(b.toLowerCase(), "en")));
});

test("a pair shows both sides, and looking again brings it back", async ({ page }) => {
  const address = await openFirstPair(page);
  await expect(page.getByRole("heading", { name: "Both sides" })).toBeVisible();
  await expect(page.getByRole("heading", { name: "What happened" })).toBeVisible();
  await page.getByRole("button", { name: "Look again" }).click();
  await expect(page).toHaveURL(new RegExp(`${address}$`));
  await expect(page.locator(".flash")).toBeVisible();
});

test("a pair is paused with a reason, says so wherever it is listed, and goes on when it is resumed", async ({ page }) => {
  const address = await openFirstPair(page);
  await page.getByText("Pause this pair").click();
  await page.getByLabel("Reason (optional)").fill("A change is under way");
  await page.getByRole("button", { name: /^Pause/ }).click();
  await expect(page).toHaveURL(new RegExp(`${address}$`));
  await expect(page.locator(".flash")).toContainText("Paused.");
  await expect(page.locator(".standing-card .pauses")).toContainText("A change is under way");
  await expect(page.getByRole("button", { name: "Sync now" })).toHaveCount(0);
  const number = (await page.getByRole("heading", { level: 1 }).textContent())!.match(/#\d+/)![0];
  await page.goto(`/?q=${number.slice(1)}`);
  const row = page.locator("#rows tbody tr").filter({ has: page.locator(`a[href^="${address}?list="]`) });
  await expect(row.getByText("Paused")).toBeVisible();
  await page.goto(address);
  await page.getByRole("button", { name: /^Resume/ }).click();
  await expect(page.locator(".flash")).toContainText("Resumed.");
  await expect(page.locator(".pauses")).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Sync now" })).toBeVisible();
});

test("a client and a connection are paused from the page of connections", async ({ page }) => {
  for (const what of ["client", "connection"]) {
    await page.goto("/connections");
    const form = page.locator("details.pausing").filter({ hasText: `Pause this ${what}` }).first();
    await form.locator("summary").click();
    await form.getByRole("button", { name: /^Pause/ }).click();
    await expect(page).toHaveURL(/\/connections$/);
    await expect(page.locator(".pauses li").first()).toContainText("is paused by");
    await page.goto("/");
    await expect(page.locator("#truth .pauses li")).toHaveCount(1);
    await page.locator("#truth .pauses").getByRole("button", { name: /^Resume/ }).click();
    await expect(page).toHaveURL(/\/$/);
    await expect(page.locator("#truth .pauses")).toHaveCount(0);
  }
});

test("a pair is taken apart, both records stay, and it is linked again by the ticket's number", async ({ page }) => {
  await page.goto("/?health=healthy");
  await page.locator("#rows tbody a[data-row]").first().click();
  await expect(page).toHaveURL(/\/pairs\//);
  const number = (await page.getByRole("heading", { level: 1 }).textContent())!.match(/#(\d+)/)![1];
  const ticket = (await page.locator(".facts dd").filter({ hasText: /^\d{3,}$/ }).first().textContent())!.trim();
  await page.getByText("Unlink…").click();
  await page.getByRole("button", { name: /^Unlink and keep both/ }).click();
  await expect(page).toHaveURL(/\/incidents\?reason=unlinked$/);
  await expect(page.locator(".flash")).toContainText("Unlinked.");
  const row = page.locator("#rows tbody tr").filter({ hasText: `#${number} ` }).filter({ hasText: `ticket ${ticket}` });
  await expect(row).toContainText("both stay as they are");
  await row.getByRole("link", { name: /^Link by hand/ }).click();
  const field = page.getByLabel("Ticket number in Halo");
  await field.fill("not a number");
  await page.getByRole("button", { name: "Link to this ticket" }).click();
  await expect(page.getByRole("alert")).toContainText("“Ticket number in Halo”: enter the number");
  await expect(field).toHaveValue("not a number");
  await field.fill(ticket);
  await page.getByRole("button", { name: "Link to this ticket" }).click();
  await expect(page).toHaveURL(/\/incidents\?reason=unlinked$/);
  await expect(page.locator(".flash")).toContainText("Both records are being read");
  await expect(async () => {
    await page.goto(`/?q=${number}`);
    await expect(page.locator("#rows tbody td[data-label=Ticket]").filter({ hasText: ticket })).toHaveCount(1, { timeout: 500 });
  }).toPass({ timeout: 30_000, intervals: [500] });
});

test("a ticket that can't be pushed to Sentinel says why beside the form", async ({ page }) => {
  await page.goto("/incidents");
  const push = page.locator("#push");
  await push.getByText("Push a ticket…").click();
  await push.getByLabel("Ticket number in Halo").fill("999999");
  await push.locator("select[name=workspace]").selectOption({ index: 1 });
  await push.getByLabel(/Push it all the same/).check();
  await push.getByRole("button", { name: "Push to Sentinel" }).click();
  await expect(page.locator(".flash")).toContainText("The ticket is being pushed.");
  await expect(async () => {
    await page.goto("/incidents");
    await expect(push).toContainText("has no ticket 999999", { timeout: 500 });
  }).toPass({ timeout: 30_000, intervals: [500] });
});

test("a dead letter shows what would be written before it is tried again", async ({ page }) => {
  await page.goto("/problems");
  await page.getByRole("link", { name: /^See the plan/ }).first().click();
  await expect(page).toHaveURL(/\/operations\/[^/]+\/retry$/);
  await expect(page.getByText("What would be written now")).toBeVisible();
  await expect(page.locator(".operation .marked li").first()).toContainText("in Halo.");
  await expect(page.getByRole("button", { name: "Try it again" })).toBeVisible();
  await page.getByRole("link", { name: "Leave it" }).click();
  await expect(page).toHaveURL(/\/pairs\//);
});

test("every page of the bar answers and is marked in it", async ({ page }) => {
  await page.goto("/");
  const links = page.getByRole("navigation", { name: "Main" }).getByRole("link");
  const addresses = await links.evaluateAll((all) => all.map((link) => link.getAttribute("href")!));
  expect(addresses.length).toBeGreaterThanOrEqual(6);
  for (const address of addresses) {
    const response = await page.goto(address);
    expect(response!.status(), address).toBe(200);
    await expect(page.getByRole("navigation", { name: "Main" }).locator("[aria-current=page]")).toHaveAttribute("href", address);
    await expect(page.locator("p.truth").first(), address).toBeVisible();
  }
});

test("the theme is chosen once and kept by the server", async ({ page }) => {
  await page.goto("/account");
  await page.getByLabel("Dark").check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.goto("/runs");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 360, height: 780 } });

  test("targets are large enough and nothing is pushed sideways", async ({ page }) => {
    for (const address of ["/", "/incidents", "/problems", "/runs", "/connections", "/ledger", "/account"]) {
      await page.goto(address);
      const found = await page.evaluate(() => {
        const wide = document.documentElement.scrollWidth > window.innerWidth;
        const small = [...document.querySelectorAll("button, select, input:not([type=hidden], [type=radio]), summary")]
          .map((element) => ({ element, box: element.getBoundingClientRect() }))
          .filter(({ box }) => box.width > 0 && (box.width < 24 || box.height < 24))
          .map(({ element }) => element.outerHTML.slice(0, 80));
        return { wide, small };
      });
      expect(found, address).toEqual({ wide: false, small: [] });
    }
  });
});

test.describe("a visitor", () => {
  test.use({ session: false });

  test("with a wrong password gets the form back with what was typed", async ({ page }) => {
    await page.goto("/sign-in");
    await page.getByLabel("Name").fill("nobody-of-that-name");
    await page.getByLabel("Password").fill("not the right password");
    const [response] = await Promise.all([
      page.waitForResponse((response) => response.request().method() === "POST"),
      page.getByRole("button", { name: "Sign in" }).click(),
    ]);
    expect(response.status()).toBe(422);
    await expect(page).toHaveTitle(/^Error: /);
    await expect(page.locator(".summary")).toBeFocused();
    await expect(page.getByLabel("Name")).toHaveValue("nobody-of-that-name");
    await expect(page.getByLabel("Password")).toHaveValue("");
  });
});

test("a secret that is shown once is not shown by a reload, which sends no form", async ({ page }) => {
  await page.goto("/tokens");
  await page.getByLabel("Name").fill("reloaded");
  await page.getByLabel("Every client").check();
  await page.getByRole("button", { name: /Make/ }).click();
  await expect(page).toHaveURL(/\/tokens$/);
  const token = page.locator("input.copyable").first();
  await expect(token).toHaveValue(/^hb_/);
  await page.reload();
  await expect(page.locator("input.copyable[value^=hb_]")).toHaveCount(0);
  await expect(page.getByRole("rowheader", { name: "reloaded" })).toHaveCount(1);
});

test("what was typed into a refused form is still there, and going back shows a page", async ({ page }) => {
  await page.goto("/backfill");
  await page.locator("select[name=workspace]").selectOption({ index: 1 });
  await page.getByLabel("Tickets at most").fill("many");
  await page.getByRole("button", { name: "Make the forecast" }).click();
  await expect(page).toHaveURL(/\/backfill$/);
  await expect(page.getByRole("alert")).toContainText("“Tickets at most”: enter a whole number from 1 to 20000");
  await expect(page.getByLabel("Tickets at most")).toHaveValue("many");
  await page.goto("/problems");
  await page.goBack();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Backfill");
});
