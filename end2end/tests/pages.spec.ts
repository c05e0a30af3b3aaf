import { brotliCompressSync } from "node:zlib";

import { HtmlValidate } from "html-validate";

import { awake, expect, test } from "../support/fixtures";
import { address, routes } from "../support/routes";

const SCRIPT_BUDGET = 160_000;
const PAGE_BUDGET = 200_000;

const validator = new HtmlValidate({ extends: ["html-validate:standard"] });

/** Addresses of style sheets, scripts, preloads and icons in a page. */
function assets(html: string): string[] {
  const found = html.matchAll(/<(?:link|script)\b[^>]*?\s(?:href|src)="([^"]+)"/g);
  return [...new Set([...found].map((match) => match[1]!))].filter((address) => address.startsWith("/pkg/"));
}

for (const route of routes) {
  test.describe(route.name, () => {
    test.use({ session: route.session });

    test("has a title, one heading and a main part; allows and has no inline script; is valid HTML with small assets", async ({
      page,
      javaScriptEnabled,
    }) => {
      const response = await page.goto(await address(page, route));
      const html = await response!.text();

      await test.step("title, heading, language, main part", async () => {
        expect(response!.status()).toBe(route.status);
        expect(response!.headers()["referrer-policy"]).toBe("same-origin");
        await expect(page).toHaveTitle(/Halobridge/);
        await expect(page.locator("html[lang]")).toBeAttached();
        await expect(page.locator("h1")).toHaveCount(1);
        await expect(page.getByRole("main")).toBeVisible();
        if (javaScriptEnabled && route.islands) await awake(page);
      });

      await test.step("the policy allows no inline script, and the page has none", async () => {
        const policy = response!.headers()["content-security-policy"] ?? "";
        const script = policy.split(";").map((part) => part.trim()).find((part) => part.startsWith("script-src "));
        expect(script, policy).toBeDefined();
        expect(script).not.toContain("'unsafe-inline'");
        expect(script).not.toContain("'unsafe-eval'");
        expect(script).not.toMatch(/https?:|\*/);
        expect(policy).toContain("frame-ancestors 'none'");
        expect(policy).toContain("form-action");
        const inline = [...html.matchAll(/<script\b(?![^>]*\ssrc=)[^>]*>/g)].map((match) => match[0]);
        expect(inline).toEqual([]);
        expect(html).not.toMatch(/<[^>]+\son[a-z]+="/);
      });
      // the same HTML either way: once is enough
      if (!javaScriptEnabled) return;

      await test.step("valid HTML", async () => {
        const report = await validator.validateString(html);
        const faults = report.results.flatMap((result) => result.messages);
        expect(faults.map((f) => `${f.line}:${f.column} ${f.ruleId}: ${f.message}`)).toEqual([]);
      });

      await test.step("assets are small, compressed and kept for ever", async () => {
        const addresses = assets(html);
        expect(addresses.filter((address) => address.endsWith(".css"))).toHaveLength(1);
        expect(addresses.some((address) => address.endsWith(".wasm"))).toBe(route.islands);
        let all = brotliCompressSync(html).length;
        let script = 0;
        for (const address of addresses) {
          const response = await page.request.head(address, { headers: { "accept-encoding": "br" } });
          expect(response.status(), address).toBe(200);
          const headers = response.headers();
          expect(headers["cache-control"], address).toBe("public, max-age=31536000, immutable");
          expect(headers["x-content-type-options"], address).toBe("nosniff");
          expect(headers["content-type"], address).toBeTruthy();
          const size = Number(headers["content-length"]);
          if (size > 1000) expect(headers["content-encoding"], address).toBe("br");
          all += size;
          if (/\.(js|wasm)$/.test(address)) script += size;
        }
        expect(script).toBeLessThanOrEqual(SCRIPT_BUDGET);
        expect(all).toBeLessThanOrEqual(PAGE_BUDGET);
      });
    });
  });
}

test("what does not exist is a plain 404", async ({ page }) => {
  for (const address of ["/pkg/app.0000000000000000.css", "/pkg/manifest.json", "/pkg/../manifest.json"]) {
    const response = await page.request.get(address);
    expect(response.status(), address).toBe(404);
  }
});

test.describe("a visitor without a session", () => {
  test.use({ session: false });

  test("is asked to sign in", async ({ page }) => {
    for (const route of routes.filter((route) => route.session && route.status === 200)) {
      await page.goto(route.path);
      await expect(page, route.path).toHaveURL(/\/sign-in/);
    }
  });
});
