import { type Browser, type Page, expect, test as base } from "@playwright/test";

import { Program, type Ready } from "./program";
import { watch } from "./watch";

export { expect };

type Cookies = Awaited<ReturnType<Awaited<ReturnType<Browser["newContext"]>>["storageState"]>>;

interface PerWorker {
  /** The running demo. */
  ready: Ready;
  /** Cookies of a person who has signed in. */
  signedIn: Cookies;
}

interface PerTest {
  /** Set to false by `test.use` in specs that need a visitor without a session. */
  session: boolean;
}

/** Signs in by the form, as a person does. */
export async function signIn(page: Page, ready: Ready): Promise<void> {
  await page.goto(`${ready.console}/sign-in`);
  await page.locator("input[autocomplete=username]").fill(ready.user);
  await page.locator("input[type=password]").fill(ready.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).not.toHaveURL(/\/sign-in/);
}

/** `page` is signed in, knows the console's address, and the test fails if anything on it goes wrong. */
export const test = base.extend<PerTest, PerWorker>({
  ready: [
    async ({}, use) => {
      const program = await Program.start();
      await use(program.ready);
      await program.stop();
    },
    { scope: "worker", timeout: 240_000 },
  ],
  signedIn: [
    async ({ ready, browser }, use) => {
      const context = await browser.newContext({ javaScriptEnabled: false });
      await signIn(await context.newPage(), ready);
      const cookies = await context.storageState();
      await context.close();
      await use(cookies);
    },
    { scope: "worker" },
  ],
  session: [true, { option: true }],
  baseURL: async ({ ready }, use) => use(ready.console),
  storageState: async ({ session, signedIn }, use) => use(session ? signedIn : undefined),
  context: async ({ context, ready }, use) => {
    const faults = watch(context, ready.console);
    await use(context);
    expect(faults, "what went wrong on the pages of this test").toEqual([]);
  },
});

/** Waits until the islands of the page are awake. */
export async function awake(page: Page): Promise<void> {
  await expect(page.locator("html[data-islands=awake]")).toBeAttached();
}
