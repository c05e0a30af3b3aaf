import { HtmlValidate } from "html-validate";

import { axe, sideways, smallTargets, walk } from "../support/checks";
import { type Bare, Program } from "../support/program";
import { watch } from "../support/watch";
import { type BrowserContext, expect, test } from "@playwright/test";

// The first minutes of a real installation: no account, then nothing set up.
const pages = ["/set-up", "/set-up/microsoft", "/set-up/sign-in", "/set-up/halo", "/set-up/clients", "/set-up/check", "/set-up/mapping", "/set-up/import", "/set-up/go-live", "/configuration", "/", "/incidents", "/problems", "/runs", "/connections", "/ledger", "/account"];
const password = "violet kettle sings at dawn";

const validator = new HtmlValidate({ extends: ["html-validate:standard"] });

let program: Program<Bare>;
let cookies: Awaited<ReturnType<BrowserContext["cookies"]>> = [];

test.describe.configure({ mode: "serial" });
test.beforeAll(async () => {
  program = await Program.bare();
});
test.afterAll(async () => {
  await program?.stop();
});

test("the first admin is made with the printed code; a wrong one is refused and keeps what was typed", async ({ page, context }) => {
  const faults = watch(context, program.ready.console);
  await page.goto(program.ready.console);
  await expect(page).toHaveURL(/\/set-up$/);
  await expect(page.getByRole("heading", { name: "Set up the first admin" })).toBeVisible();
  await page.getByLabel("Set-up code").fill("not-the-code");
  await page.getByLabel("Your sign-in name").fill("ada");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Make the first admin" }).click();
  await expect(page).toHaveTitle(/^Error: /);
  await expect(page.locator(".summary")).toBeFocused();
  await expect(page.getByLabel("Your sign-in name")).toHaveValue("ada");
  await page.getByLabel("Set-up code").fill(program.ready.code);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Make the first admin" }).click();
  await expect(page).toHaveURL(`${program.ready.console}/set-up/microsoft`);
  await expect(page.getByRole("heading", { name: "The app registration" })).toBeVisible();
  await page.goto(`${program.ready.console}/`);
  await expect(page.getByRole("heading", { name: "Nothing is linked yet" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Set it up" })).toBeVisible();
  await page.goto(`${program.ready.console}/connections`);
  await expect(page.getByRole("heading", { name: "Nothing is connected yet" })).toBeVisible();
  cookies = await context.cookies();
  expect(faults).toEqual([]);
});

for (const path of pages) {
  test(`${path} without anything in it is sound`, async ({ page, context, javaScriptEnabled }) => {
    const faults = watch(context, program.ready.console);
    await context.addCookies(cookies);
    const address = `${program.ready.console}${path}`;
    await page.goto(address);
    await expect(page.locator("h1")).toHaveCount(1);
    for (const width of [1280, 360, 320]) {
      await page.setViewportSize({ width, height: 800 });
      expect(await sideways(page), `at ${width} px`).toBe(0);
      expect(await smallTargets(page), `at ${width} px`).toEqual([]);
    }
    if (javaScriptEnabled !== false) {
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        expect(await axe(page), colorScheme).toEqual([]);
      }
    }
    expect((await walk(page, 20)).covered).toEqual([]);
    const report = await validator.validateString(await (await page.request.get(address)).text());
    const messages = report.results.flatMap((result) => result.messages);
    expect(messages.map((m) => `${m.line}:${m.column} ${m.ruleId}: ${m.message}`)).toEqual([]);
    expect(faults).toEqual([]);
  });
}

test("the reference on a page that says no finds its line in the log", async ({ page, context }) => {
  await context.addCookies(cookies);
  await page.goto(`${program.ready.console}/no-such-page`);
  const reference = (await page.locator(".says-no code").textContent())!.trim();
  expect(reference).not.toBe("");
  await expect.poll(() => program.lines.filter((line) => line.includes(reference))).not.toEqual([]);
});
