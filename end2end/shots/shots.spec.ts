import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { awake, test } from "../support/fixtures";
import { address, routes } from "../support/routes";

// Pictures for people to look at: npm run shots. SHOTS_DIR says where they go.
const folder = process.env.SHOTS_DIR ?? join(tmpdir(), "halobridge-shots");

const kinds = [
  { kind: "light", colorScheme: "light", width: 1280 },
  { kind: "dark", colorScheme: "dark", width: 1280 },
  { kind: "1920", colorScheme: "light", width: 1920 },
  { kind: "360", colorScheme: "light", width: 360 },
  { kind: "360-dark", colorScheme: "dark", width: 360 },
  { kind: "forced", colorScheme: "dark", width: 1280, forcedColors: "active" },
] as const;

for (const route of routes) {
  for (const { kind, colorScheme, width, ...more } of kinds) {
    test.describe(() => {
      test.use({ session: route.session, colorScheme, viewport: { width, height: width > 1500 ? 1080 : 900 }, contextOptions: more });

      test(`${route.name} ${kind}`, async ({ page }) => {
        await mkdir(folder, { recursive: true });
        await page.goto(await address(page, route));
        if (route.islands) await awake(page);
        const path = join(folder, `${route.name}-${kind}.png`);
        await page.screenshot({ path, fullPage: true });
        console.log(path);
      });
    });
  }
}

test("a pair on paper", async ({ page }) => {
  await mkdir(folder, { recursive: true });
  await page.goto("/");
  await page.goto((await page.locator("#rows a[data-row]").first().getAttribute("href"))!);
  const path = join(folder, "pair-print.pdf");
  await page.pdf({ path, format: "A4" });
  console.log(path);
});
