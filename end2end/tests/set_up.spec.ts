import { type Page, expect, test } from "@playwright/test";

import { axe, sideways } from "../support/checks";
import { type Bare, type Clouds, Program } from "../support/program";
import { beside, watch } from "../support/watch";

// From nothing to the first ticket, in the browser alone: an empty installation, and both clouds on another origin.
// The server is killed after each step, and the set-up goes on.

const password = "violet kettle sings at dawn";

let server: Program<Bare>;
let clouds: Program<Clouds>;

test.describe.configure({ mode: "serial" });
test.setTimeout(240_000);
test.beforeAll(async () => {
  clouds = await Program.twin(["--incidents", "6", "--switch", "auto_approve=false"]);
  server = await Program.bare();
});
test.afterAll(async () => {
  await server?.stop();
  await clouds?.stop();
});

/** A person at the keyboard: what they press, type and open within the set-up is counted. */
class Person {
  clicks = 0;
  typed = 0;
  readonly pages = new Set<string>();

  constructor(readonly page: Page) {}

  async press(name: string | RegExp, role: "button" | "link" | "radio" | "checkbox" = "button"): Promise<void> {
    this.clicks += 1;
    const target = this.page.getByRole(role, { name }).first();
    if (role === "radio" || role === "checkbox") await target.check();
    else await target.click();
  }

  async type(label: string, text: string): Promise<void> {
    this.typed += 1;
    await this.page.getByLabel(label, { exact: true }).fill(text);
  }

  /** The page that is open now is one of the set-up's. */
  async at(path: string): Promise<void> {
    await expect(this.page).toHaveURL(new RegExp(`${path}$`));
    await expect(this.page.locator(".summary")).toHaveCount(0);
    this.pages.add(path);
    expect(await sideways(this.page), path).toBe(0);
  }
}

/** The server is killed while nobody looks, and comes back; whoever left at this page goes on there. */
async function cut(page: Page): Promise<void> {
  const here = page.url();
  await page.goto("about:blank");
  await server.cut();
  await page.goto(here);
}

/** Without what a sign-in with Microsoft is about: the way there, and back by `localhost`. */
function ours(faults: string[]): string[] {
  const port = new URL(server.ready.console).port;
  return beside(faults, [new URL(clouds.ready.microsoft.authority).origin, `http://localhost:${port}`]);
}

test("from an empty installation to the first ticket", async ({ page, context, javaScriptEnabled }) => {
  const faults = watch(context, server.ready.console);
  const me = new Person(page);
  const { microsoft, halo, admin } = clouds.ready;

  await page.goto(server.ready.console);
  await page.getByLabel("Set-up code").fill(server.ready.code);
  await page.getByLabel("Your sign-in name").fill("ada");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Make the first admin" }).click();

  await me.at("/set-up/microsoft");
  if (javaScriptEnabled) expect(await axe(page), "microsoft").toEqual([]);
  await me.type("Tenant ID", microsoft.tenant_id);
  await me.type("Application (client) ID", microsoft.client_id);
  await me.type("Client secret", microsoft.client_secret);
  await me.press("Custom endpoints", "radio");
  await me.type("Azure Resource Manager", microsoft.arm);
  await me.press(/^Test hosts/, "checkbox");
  await me.press("Test and go on");

  await me.at("/set-up/sign-in");
  await cut(page);
  await me.at("/set-up/sign-in");
  if (javaScriptEnabled) expect(await axe(page), "sign-in").toEqual([]);
  await me.press("Sign in with Microsoft");
  // Entra's own page is not ours to count
  await page.getByRole("button", { name: /Carla Contributor/ }).first().click();
  await expect(page.getByText("carla.contributor@contoso.example").first()).toBeVisible();
  await me.at("/set-up/sign-in");
  await me.press("Next", "link");

  await me.at("/set-up/halo");
  await cut(page);
  if (javaScriptEnabled) expect(await axe(page), "halo").toEqual([]);
  await me.type("Resource server", halo.api);
  await me.type("Client ID", halo.client_id);
  await me.type("Client secret", halo.client_secret);
  me.clicks += 1;
  await page.getByText("Authorisation server, tenant, product, name").click();
  await me.press(/^Test hosts/, "checkbox");
  await me.press("Test and go on");

  await me.at("/set-up/clients");
  await cut(page);
  if (javaScriptEnabled) expect(await axe(page), "clients").toEqual([]);
  await expect(page.getByRole("row").filter({ hasText: "law-plain" })).toContainText("It has no Microsoft Sentinel");
  await me.press("law-contoso-001", "checkbox");
  await me.press("Save and go on");

  await me.at("/set-up/mapping");
  await cut(page);
  if (javaScriptEnabled) {
    // the rarer rules are folded: all of it is looked at
    await page.evaluate(() => document.querySelectorAll("main details").forEach((one) => one.setAttribute("open", "")));
    expect(await axe(page), "mapping, unfolded").toEqual([]);
    expect(await sideways(page), "mapping, unfolded").toBe(0);
  }
  await me.press("Save and go on");

  await me.at("/set-up/check");
  await cut(page);
  if (javaScriptEnabled) expect(await axe(page), "check").toEqual([]);
  await expect(page.getByLabel("Changes")).toContainText('+ workspace "law-contoso-001"');
  await me.press("Apply");

  await me.at("/set-up/import");
  await cut(page);
  await me.press("Next", "link");

  // until here nothing was written to either side
  const summary = (await (await page.request.get(`${admin}/calls/summary`)).json()) as Record<string, unknown>;
  expect(Object.keys(summary.kinds ?? summary).filter((kind) => /\.(put|post|patch|delete)$/.test(kind))).toEqual([]);

  await me.at("/set-up/go-live");
  await me.press("Go");
  await expect(page.locator(".flash, .steps").first()).toBeVisible();

  const made = await page.request.post(`${admin}/acts/incident.create`, {
    data: { workspace: "law-contoso-001", title: "The very first one", severity: "High" },
  });
  expect(made.status()).toBeLessThan(300);
  await page.goto(`${server.ready.console}/connections`);
  await page.getByRole("button", { name: /^Sync now/ }).first().click();
  await expect(async () => {
    await page.goto(`${server.ready.console}/?q=${encodeURIComponent("The very first one")}`);
    await expect(page.getByRole("row").filter({ hasText: "The very first one" }).getByText("In step")).toBeVisible({ timeout: 1_000 });
  }).toPass({ timeout: 90_000, intervals: [500] });

  // the bars: custom endpoints and test hosts of the twin included
  expect(me.pages.size, [...me.pages].join(" ")).toBeLessThanOrEqual(8);
  expect(me.clicks).toBeLessThanOrEqual(14);
  expect(me.typed).toBeLessThanOrEqual(8);
  expect(ours(faults)).toEqual([]);
});

test("the second workspace takes four clicks and nothing typed", async ({ page, context }) => {
  const faults = watch(context, server.ready.console);
  await page.goto(`${server.ready.console}/sign-in`);
  await page.locator("input[autocomplete=username]").fill("ada");
  await page.locator("input[type=password]").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.goto(`${server.ready.console}/connections`);
  const me = new Person(page);
  await me.press("Link workspaces", "link");
  await me.at("/set-up/clients");
  await me.press("law-contoso-002", "checkbox");
  await me.press("Save and go on");
  await me.at("/set-up/check");
  await me.press("Apply");
  await me.at("/set-up/import");
  await page.goto(`${server.ready.console}/connections`);
  await expect(page.getByRole("row").filter({ hasText: "law-contoso-002" })).toBeVisible();
  expect([me.clicks, me.typed]).toEqual([4, 0]);
  expect(ours(faults)).toEqual([]);
});

test("webhooks of several workspaces are planned and deployed at once, through a kill of the server", async ({
  page,
  context,
  javaScriptEnabled,
}) => {
  const faults = watch(context, server.ready.console);
  const { microsoft, admin } = clouds.ready;
  const screen = `${server.ready.console}/set-up/import`;
  const progress = page.locator("#errand-progress");
  const until = (words: string) =>
    expect(async () => {
      await page.goto(screen);
      await expect(progress).toContainText(words, { timeout: 1_000 });
    }).toPass({ timeout: 60_000, intervals: [500] });

  await page.goto(`${server.ready.console}/sign-in`);
  await page.locator("input[autocomplete=username]").fill("ada");
  await page.locator("input[type=password]").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.goto(screen);
  await page.getByLabel("Workspaces that are meant").selectOption("all");
  await page.getByRole("button", { name: "Show the plan for all of them" }).click();
  await until("It ended");
  // Carla may not make Logic Apps
  await expect(progress).toContainText("May not be deployed: 2");
  await expect(progress).toContainText("Logic App Contributor");
  if (javaScriptEnabled) expect(await axe(page), "errand").toEqual([]);
  expect(await sideways(page), "errand").toBe(0);

  const given = await page.request.post(`${admin}/acts/role.assign`, {
    data: {
      principal: "carla.contributor@contoso.example",
      role: "Owner",
      scope: `/subscriptions/${microsoft.subscription_id}`,
    },
  });
  expect(given.status()).toBeLessThan(300);
  await page.getByRole("button", { name: "Try again those that failed" }).click();
  await until("May be deployed: 2");
  await until("It ended");
  await expect(progress).toContainText("Logic Apps: 2 new");
  await page.getByRole("button", { name: "Deploy at the 2 workspaces that may" }).click();
  await cut(page);
  await until("It ended");
  await until("Works: 2");
  await page.getByRole("link", { name: "Works: 2" }).click();
  await expect(page).toHaveURL(/show=works/);
  await expect(progress.locator("details.part")).toHaveCount(2);

  // they are removed only when that is confirmed
  await page.goto(screen);
  await page.getByLabel("Workspaces that are meant").selectOption("open");
  await page.getByRole("button", { name: "Remove their webhooks" }).click();
  await page.getByRole("button", { name: "Remove the webhooks of 2 workspaces" }).click();
  await until("Removed: 2");
  expect(ours(faults)).toEqual([]);
});
