import type { Page } from "@playwright/test";

import { sideways, smallTargets, walk } from "../support/checks";
import { awake, expect, test } from "../support/fixtures";
import { address, routes } from "../support/routes";

// What WCAG 2.2 AA asks for and axe cannot see.

async function open(page: Page, route: (typeof routes)[number], script: boolean | undefined): Promise<void> {
  await page.goto(await address(page, route));
  if (route.islands && script) await awake(page);
}

for (const route of routes) {
  test.describe(route.name, () => {
    test.use({ session: route.session });

    test("the keyboard reaches all in sight; targets are 24 px or stand apart; at 320 px, as at 400 % zoom, nothing is pushed sideways", async ({
      page,
      javaScriptEnabled,
    }) => {
      await page.setViewportSize({ width: 1280, height: 720 });
      await open(page, route, javaScriptEnabled);
      // Without scripts the frame and the lists are the same HTML: two pages stand for all.
      if (javaScriptEnabled || ["dashboard", "pair"].includes(route.name)) {
        await test.step("every stop of the keyboard is in sight and nothing lies over it", async () => {
          const { covered, outlined, stops } = await walk(page, 60);
          expect(covered).toEqual([]);
          expect(stops).toBeGreaterThan(2);
          expect(outlined, "each stop has an outline").toBe(stops);
        });
      }
      for (const menu of await page.locator("details.menu > summary").all()) await menu.click();
      for (const width of [1280, 360]) {
        await page.setViewportSize({ width, height: 800 });
        expect(await smallTargets(page), `${width} px`).toEqual([]);
      }
      await page.setViewportSize({ width: 320, height: 256 });
      expect(await sideways(page)).toBe(0);
    });
  });
}

test.describe("with the reader's own spacing of text", () => {
  // the page's policy allows no style from elsewhere: a reader's own goes around it
  test.use({ bypassCSP: true });

  const spacing =
    "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } p { margin-bottom: 2em !important }";

  test("nothing is cut off and nothing is pushed sideways", async ({ page }) => {
    for (const route of routes.filter((route) => route.session)) {
      await page.goto(await address(page, route));
      await page.evaluate((css) => document.head.appendChild(document.createElement("style")).append(css), spacing);
      for (const width of [1280, 360]) {
        await page.setViewportSize({ width, height: 800 });
        expect(await sideways(page), `${route.name} at ${width} px`).toBe(0);
        const cut = await page.evaluate(() =>
          [...document.querySelectorAll<HTMLElement>("button, .chip, .counters a, .bar a, h1, h2, dd, .truth, .notice")]
            .filter((element) => element.checkVisibility() && !element.closest(".unseen, .scroll"))
            .filter((element) => element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX !== "visible")
            .map((element) => element.outerHTML.slice(0, 100)),
        );
        expect(cut, `${route.name} at ${width} px`).toEqual([]);
      }
    }
  });
});

test.describe("for a reader who wants no motion", () => {
  test.use({ contextOptions: { reducedMotion: "reduce" } });

  test("nothing moves", async ({ page }) => {
    for (const route of routes.filter((route) => route.session)) {
      await page.goto(await address(page, route));
      const moving = await page.evaluate(() => ({
        animations: document.getAnimations().length,
        scroll: getComputedStyle(document.documentElement).scrollBehavior,
      }));
      expect(moving, route.name).toEqual({ animations: 0, scroll: "auto" });
    }
  });
});

test("the list shows 25 rows on a screen of 1080 lines, and the choice of rows is kept", async ({ page }) => {
  await page.setViewportSize({ width: 1920, height: 1080 });
  const seen = () =>
    page.evaluate(() => {
      const rows = [...document.querySelectorAll("#rows tbody tr")];
      return rows.filter((row) => row.getBoundingClientRect().bottom <= window.innerHeight).length;
    });
  await page.goto("/");
  expect(await seen()).toBeGreaterThanOrEqual(25);
  await page.locator("details.menu > summary").click();
  await page.getByRole("button", { name: "Roomy rows" }).click();
  await expect(page).toHaveURL(/\/$/);
  await expect(page.locator("html")).toHaveAttribute("data-density", "roomy");
  await page.goto("/runs");
  await expect(page.locator("html")).toHaveAttribute("data-density", "roomy");
  await page.goto("/");
  expect(await seen()).toBeLessThan(25);
});

test("a pair prints without the frame, its links spelled out, its moments exact", async ({ page }) => {
  await page.goto("/");
  const pair = await page.locator("#rows a[data-row]").first().getAttribute("href");
  await page.emulateMedia({ media: "print" });
  await page.goto(pair!);
  await expect(page.getByRole("heading", { name: "Both sides" })).toBeVisible();
  for (const away of [".bar nav", ".menu", ".acts", ".keys", ".age a", ".crumb"]) {
    await expect(page.locator(away).first(), away).toBeHidden();
  }
  const spelled = await page.evaluate(() => {
    const links = [...document.querySelectorAll<HTMLAnchorElement>("a.outside")];
    return links.map((link) => [link.href, getComputedStyle(link, "::after").content]);
  });
  expect(spelled.length).toBeGreaterThan(0);
  for (const [href, after] of spelled) expect(after).toContain(href);
  await expect(page.locator(".when .abs").first()).toBeVisible();
  await expect(page.locator(".when .rel").first()).toBeHidden();
});

test("on paper a dark page is dark on white, without buttons, and fits", async ({ page }) => {
  await page.goto("/account");
  await page.getByLabel("Dark").check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.setViewportSize({ width: 980, height: 1300 });
  await page.emulateMedia({ media: "print" });
  for (const path of ["/", "/connections", "/problems", "/runs", "/incidents"]) {
    await page.goto(path);
    await expect(page.locator("html"), path).toHaveCSS("color-scheme", "light");
    await expect(page.locator("main button:visible"), path).toHaveCount(0);
    expect(await sideways(page), path).toBe(0);
  }
});
