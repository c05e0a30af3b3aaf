import { HtmlValidate } from "html-validate";

import { awake, expect, test } from "../support/fixtures";
import { address, routes } from "../support/routes";

const validator = new HtmlValidate({ extends: ["html-validate:standard"] });

for (const route of routes) {
  test.describe(route.name, () => {
    test.use({ session: route.session });

    test("has a title, one heading, a language and a main part", async ({ page, javaScriptEnabled }) => {
      const response = await page.goto(await address(page, route));
      expect(response!.status()).toBe(route.status);
      expect(response!.headers()["referrer-policy"]).toBe("same-origin");
      await expect(page).toHaveTitle(/Halobridge/);
      await expect(page.locator("html[lang]")).toBeAttached();
      await expect(page.locator("h1")).toHaveCount(1);
      await expect(page.getByRole("main")).toBeVisible();
      if (javaScriptEnabled && route.islands) await awake(page);
    });

    test("is valid HTML", async ({ page, javaScriptEnabled }) => {
      test.skip(!javaScriptEnabled, "no script runs here either way");
      const html = await (await page.request.get(await address(page, route))).text();
      const report = await validator.validateString(html);
      const faults = report.results.flatMap((result) => result.messages);
      expect(faults.map((f) => `${f.line}:${f.column} ${f.ruleId}: ${f.message}`)).toEqual([]);
    });
  });
}

test.describe("a visitor without a session", () => {
  test.use({ session: false });

  test("is asked to sign in", async ({ page }) => {
    for (const route of routes.filter((route) => route.session && route.status === 200)) {
      await page.goto(route.path);
      await expect(page, route.path).toHaveURL(/\/sign-in/);
    }
  });
});
