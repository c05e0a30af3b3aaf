import { type Page, expect, test } from "@playwright/test";

import { OpenId } from "../support/openid";
import { type Bare, Program } from "../support/program";
import { beside, watch } from "../support/watch";

// “Sign in with Microsoft” against an OpenID Connect server that others wrote and that is certified.

let server: Program<Bare>;
let there: OpenId;

test.describe.configure({ mode: "serial" });
test.beforeAll(async () => {
  server = await Program.bare();
  const { port } = new URL(server.ready.console);
  there = await OpenId.start(`http://localhost:${port}/connections/callback`);
});
test.afterAll(async () => {
  await server?.stop();
  await there?.stop();
});

/** What is typed of the app registration, up to the button. */
async function typed(page: Page, secret: string): Promise<void> {
  await page.getByLabel("Tenant ID", { exact: true }).fill(there.tenant);
  await page.getByLabel("Application (client) ID", { exact: true }).fill(there.clientId);
  await page.getByLabel("Client secret", { exact: true }).fill(secret);
  await page.getByRole("radio", { name: "Custom endpoints" }).check();
  for (const label of ["Azure Resource Manager", "Sign-in address", "Log Analytics", "Microsoft Graph"]) {
    await page.getByLabel(label, { exact: true }).fill(there.origin);
  }
  await page.getByRole("checkbox", { name: /^Test hosts/ }).check();
  await page.getByRole("button", { name: "Test and go on" }).click();
}

test("a person signs in at an independent OpenID server", async ({ page, context }) => {
  const faults = watch(context, server.ready.console);
  await page.goto(server.ready.console);
  await page.getByLabel("Set-up code").fill(server.ready.code);
  await page.getByLabel("Your sign-in name").fill("ada");
  await page.getByLabel("Password").fill("violet kettle sings at dawn");
  await page.getByRole("button", { name: "Make the first admin" }).click();
  await expect(page).toHaveURL(/\/set-up\/microsoft$/);

  // the app's proof is tried there first
  await typed(page, "not-the-secret");
  await expect(page.locator(".summary")).toContainText("Microsoft refuses the app's proof. Enter a valid client secret");
  await typed(page, there.clientSecret);
  await expect(page).toHaveURL(/\/set-up\/sign-in$/);

  // declined: said, and nothing is kept
  await page.getByRole("button", { name: "Sign in with Microsoft" }).click();
  await page.getByRole("link", { name: "Decline" }).click();
  await expect(page.getByText("The sign-in was declined. Sign in again and accept the permissions.").first()).toBeVisible();
  await expect(page.getByText("Nobody has signed in yet.")).toBeVisible();

  // signed in; the way back is taken once
  const back: string[] = [];
  page.on("request", (request) => {
    if (request.url().includes("/connections/callback?")) back.push(request.url());
  });
  await page.getByRole("button", { name: "Sign in with Microsoft" }).click();
  await page.getByRole("link", { name: "Go on as Ira Independent" }).click();
  await expect(page.getByText("ira@independent.example").first()).toBeVisible();
  const refusal = "invalid_client: invalid secret provided";
  // the logs are asked for as well, and this server has none
  const refusals = () => there.refusals.filter((one) => !one.startsWith("invalid_scope"));
  expect(refusals(), "all but the wrong secret was right").toEqual([refusal]);
  const answer = new URL(back.at(-1)!);
  expect(answer.searchParams.get("iss"), "it names itself, and that is looked at").toBe(`${there.origin}/${there.tenant}/v2.0`);
  await page.goto(answer.href);
  await expect(page.getByText("its answer was taken already").first()).toBeVisible();

  // mixed up with another server: the answer says so, and its code is not handed over
  await page.goto(`${server.ready.console}/set-up/sign-in`);
  await page.getByRole("button", { name: "Sign in with Microsoft again" }).click();
  let next = await page.getByRole("link", { name: "Go on as Ira Independent" }).getAttribute("href");
  next = new URL(next!, there.origin).href;
  while (!next.includes("/connections/callback?")) {
    next = (await page.request.get(next, { maxRedirects: 0 })).headers().location!;
  }
  const mixed = new URL(next);
  expect(mixed.searchParams.get("code")).toBeTruthy();
  mixed.searchParams.set("iss", "https://evil.example/v2.0");
  await page.goto(`${server.ready.console}${mixed.pathname}${mixed.search}`);
  await expect(page.getByText("came from another sign-in service than this connection's").first()).toBeVisible();
  expect(refusals(), "that code never came here").toEqual([refusal]);

  const { port } = new URL(server.ready.console);
  expect(beside(faults, [there.origin, `http://localhost:${port}`])).toEqual([]);
});
