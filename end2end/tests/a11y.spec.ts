import { axe, sideways } from "../support/checks";
import { awake, expect, test } from "../support/fixtures";
import { address, routes } from "../support/routes";

for (const route of routes) {
  test.describe(route.name, () => {
    test.use({ session: route.session });

    test("axe finds nothing and nothing scrolls sideways: light and dark, 1280 and 360 px", async ({ page }) => {
      await page.goto(await address(page, route));
      if (route.islands) await awake(page);
      // Rows are built alike, and axe takes its time with each: all of them where the most is to be seen, and once.
      let rows = route.rich ? undefined : 20;
      // here tables are wider than their place: they scroll in it, the page does not
      await page.setViewportSize({ width: 768, height: 800 });
      expect(await sideways(page), "768 px").toBe(0);
      const hidden = await page.evaluate(() => [...document.querySelectorAll(".bar nav ul")].some((bar) => bar.scrollWidth > bar.clientWidth));
      expect(hidden, "a place that the bar leads to is out of sight").toBe(false);
      for (const width of [1280, 360]) {
        await page.setViewportSize({ width, height: 800 });
        expect(await sideways(page), `${width} px`).toBe(0);
        for (const colorScheme of ["light", "dark"] as const) {
          // Everywhere both widths and both schemes; every pairing of the two where the most is to be seen.
          if (!route.rich && (width === 1280) !== (colorScheme === "light")) continue;
          await page.emulateMedia({ colorScheme });
          expect(await axe(page, rows), `${width} px, ${colorScheme}`).toEqual([]);
          rows = 20;
        }
      }
    });
  });
}
