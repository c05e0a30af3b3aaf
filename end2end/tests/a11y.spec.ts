import { axe, sideways } from "../support/checks";
import { awake, expect, test } from "../support/fixtures";
import { address, routes } from "../support/routes";

for (const route of routes) {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1280, 360]) {
      test.describe(`${route.name}, ${colorScheme}, ${width} px`, () => {
        test.use({ session: route.session, colorScheme, viewport: { width, height: 800 } });

        test("axe finds nothing and nothing scrolls sideways", async ({ page }) => {
          await page.goto(await address(page, route));
          if (route.islands) await awake(page);
          expect(await axe(page)).toEqual([]);
          expect(await sideways(page)).toBe(0);
        });
      });
    }
  }
}
