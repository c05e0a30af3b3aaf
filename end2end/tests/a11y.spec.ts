import { AxeBuilder } from "@axe-core/playwright";

import { awake, expect, test } from "../support/fixtures";
import { routes } from "../support/routes";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

for (const route of routes) {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [1280, 360]) {
      test.describe(`${route.name}, ${colorScheme}, ${width} px`, () => {
        test.use({ session: route.session, colorScheme, viewport: { width, height: 800 } });

        test("axe finds nothing and nothing scrolls sideways", async ({ page }) => {
          await page.goto(route.path);
          if (route.islands) await awake(page);
          const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
          const found = violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(" ")}: ${n.failureSummary}`));
          expect(found).toEqual([]);
          const [wide, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
          expect(wide).toBeLessThanOrEqual(seen!);
        });
      });
    }
  }
}
