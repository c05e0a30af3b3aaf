import { type Page, expect, test } from "@playwright/test";

import { axe, sideways } from "../support/checks";
import { awake, signIn } from "../support/fixtures";
import { Program } from "../support/program";
import { watch } from "../support/watch";

// What a shift looks like: something happens on either side, and the console follows without being asked.
// A demo of its own: what happens here must not disturb other tests.

let program: Program;

/** An act of a person in one of the two clouds. */
async function act(page: Page, verb: string, data: object): Promise<Record<string, unknown>> {
  const response = await page.request.post(`${program.ready.twin}/admin/acts/${verb}`, { data });
  expect(response.status(), `${verb}: ${await response.text()}`).toBeLessThan(300);
  return (await response.json()) as Record<string, unknown>;
}

test.describe.configure({ mode: "serial" });
test.setTimeout(120_000);
test.beforeAll(async () => {
  program = await Program.start(["--still", "--incidents", "20"]);
});
test.afterAll(async () => {
  await program?.stop();
});

/** The page as it is now: without a script it is opened anew until it says what is expected. */
async function until(page: Page, script: boolean, check: () => Promise<void>): Promise<void> {
  if (script) return check();
  await expect(async () => {
    await page.reload();
    await check();
  }).toPass({ timeout: 60_000, intervals: [500] });
}

test("an incident becomes a ticket, words cross both ways, closing crosses back", async ({ page, context, javaScriptEnabled }) => {
  const script = javaScriptEnabled !== false;
  const brief = { timeout: script ? 45_000 : 1_000 };
  const faults = watch(context, program.ready.console);
  await signIn(page, program.ready);
  await page.goto(`${program.ready.console}/`);
  if (script) await awake(page);
  await page.evaluate(() => Object.assign(window, { first: true }));

  const title = `Token theft seen on a kiosk (${script ? "live" : "plain"})`;
  const twin = await act(page, "incident.create", { title, severity: "High" });
  expect(twin).toBeTruthy();
  const row = page.getByRole("row").filter({ hasText: title });
  await until(page, script, () => expect(row.getByText("In step")).toBeVisible(brief));
  if (script) expect(await page.evaluate(() => "first" in window), "without a reload").toBe(true);

  await row.getByRole("link", { name: title }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText(title);
  const ticket = Number(await page.locator(".facts dd").filter({ hasText: /^\d{3,}$/ }).first().textContent());
  expect(ticket).toBeGreaterThan(0);
  const state = (await (await page.request.get(`${program.ready.twin}/admin/state`)).json()) as any;
  const place = state.workspaces.find((one: any) => one.incidents.some((i: any) => i.properties.title === title));
  const incident = place.incidents.find((i: any) => i.properties.title === title).name;

  await act(page, "incident.comment", { workspace: place.name, incident, message: "Asked the shop to unplug it." });
  const comment = page.locator(".note").filter({ hasText: "Asked the shop to unplug it." });
  await until(page, script, () => expect(comment.getByText("On both sides")).toBeVisible(brief));
  await act(page, "ticket.note", { ticket_id: ticket, text: "Unplugged at nine." });
  const note = page.locator(".note").filter({ hasText: "Unplugged at nine." });
  await until(page, script, () => expect(note.getByText("On both sides")).toBeVisible(brief));

  await act(page, "incident.close", { workspace: place.name, incident, classification: "FalsePositive" });
  const status = page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: "Status" }) });
  await until(page, script, () => expect(status.getByText("Closed")).toHaveCount(3, brief));
  await until(page, script, () => expect(page.locator(".standing-card")).toContainText("In step", brief));
  expect(faults).toEqual([]);
});

test("a refused write becomes a dead letter with its remedy, and is tried again", async ({ page, context, javaScriptEnabled }) => {
  const script = javaScriptEnabled !== false;
  const brief = { timeout: script ? 45_000 : 1_000 };
  const faults = watch(context, program.ready.console);
  await signIn(page, program.ready);
  // Once as it is, and once without asking for mandatory fields.
  const refuse = { effect: "status", status: 400, kind: "halo.tickets.post", count: 2 };
  expect((await page.request.post(`${program.ready.twin}/admin/faults`, { data: refuse })).status()).toBe(200);
  await page.goto(`${program.ready.console}/problems`);
  const title = `Refused at first (${script ? "live" : "plain"})`;
  await act(page, "incident.create", { title, severity: "Low" });
  const row = page.getByRole("row").filter({ hasText: title });
  await until(page, script, () => expect(row.getByRole("button", { name: /Try again/ })).toBeVisible(brief));
  if (script) {
    expect(await axe(page)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 800 });
    expect(await sideways(page)).toBe(0);
    expect(await axe(page)).toEqual([]);
    await page.setViewportSize({ width: 1280, height: 800 });
  }
  await row.getByRole("button", { name: /Try again/ }).click();
  await expect(page.locator(".flash")).toContainText("planned again from what both sides say now");
  await until(page, script, () => expect(row).toHaveCount(0, brief));
  await page.goto(`${program.ready.console}/?q=${encodeURIComponent("Refused at first")}`);
  await until(page, script, () => expect(page.getByRole("row").filter({ hasText: title }).getByText("In step")).toBeVisible(brief));
  expect(faults).toEqual([]);
});

test("what changes quickly is said politely, and at most once in five seconds", async ({ page, context, javaScriptEnabled }) => {
  test.skip(!javaScriptEnabled, "nothing is said without a script");
  const faults = watch(context, program.ready.console);
  await signIn(page, program.ready);
  await page.goto(`${program.ready.console}/`);
  await awake(page);
  await expect(page.locator("#live-state")).toHaveText("Live");
  await expect(page.locator("#said")).toHaveRole("status");
  await page.evaluate(() => {
    const said: number[] = [];
    Object.assign(window, { said });
    const watcher = new MutationObserver(() => said.push(performance.now()));
    watcher.observe(document.getElementById("said")!, { childList: true, characterData: true, subtree: true });
  });
  const moments = () => page.evaluate(() => (window as unknown as { said: number[] }).said);
  let raised = 0;
  await expect(async () => {
    raised += 1;
    const title = `One of many (${raised})`;
    await act(page, "incident.create", { title, severity: "Low" });
    await expect(page.getByRole("row").filter({ hasText: title }).getByText("In step")).toBeVisible({ timeout: 30_000 });
    expect((await moments()).length).toBeGreaterThanOrEqual(2);
  }).toPass({ timeout: 100_000, intervals: [500] });
  const said = await moments();
  expect(raised, "more happened than was said").toBeGreaterThan(said.length);
  expect(said.slice(1).filter((moment, at) => moment - said[at]! < 5_000)).toEqual([]);
  expect(faults).toEqual([]);
});
