import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { walk } from "../support/checks";
import { expect, test } from "../support/fixtures";
import { address, routes } from "../support/routes";

// Bars of the pages that no other file shows.

test.describe("a visitor", () => {
  test.use({ session: false });

  test("pastes the password or lets a manager fill it in", async ({ page }) => {
    await page.goto("/sign-in");
    const name = page.locator("input[autocomplete=username]");
    const password = page.locator("input[type=password][autocomplete=current-password]");
    await name.fill("violet kettle sings");
    await name.focus();
    await page.keyboard.press("Control+a");
    await page.keyboard.press("Control+c");
    await password.focus();
    await page.keyboard.press("Control+v");
    await expect(password).toHaveValue("violet kettle sings");
  });
});

test("nothing wants to be dragged, and help stands in the same place", async ({ page }) => {
  for (const route of routes.filter((route) => route.session)) {
    await page.goto(await address(page, route));
    await expect(page.locator("[draggable=true], input[type=range]"), route.name).toHaveCount(0);
    await expect(page.getByRole("contentinfo").getByRole("link", { name: "Help" }), route.name).toHaveAttribute("href", /^\/help/);
  }
});

test("every field of the set-up has its sentence in the documentation", async ({ page }) => {
  const here = dirname(fileURLToPath(import.meta.url));
  const text = await readFile(resolve(here, "../../docs/SET-UP.md"), "utf8");
  const steps = {
    microsoft: "Microsoft",
    "sign-in": "Sign in with Microsoft",
    halo: "Halo",
    clients: "Clients and workspaces",
    mapping: "Fields and priorities",
    import: "Polling and webhooks",
    "go-live": "Go live",
  };
  for (const [step, heading] of Object.entries(steps)) {
    const section = text.split(`\n### ${heading}\n`)[1]!.split("\n#")[0]!;
    const told = [...section.matchAll(/^\| (.+?) \| .+ \|$/gm)].slice(2).map(([, name]) => name!.split("…"));
    await page.goto(`/set-up/${step}`);
    const asked = await page
      .locator("main :is(.field > label, fieldset > legend)")
      .evaluateAll((all) => [...new Set(all.map((one) => one.textContent!.trim()))]);
    const untold = asked.filter(
      (label) => !told.some((parts) => label.startsWith(parts[0]!) && label.endsWith(parts.at(-1)!) && (parts.length > 1 || label === parts[0])),
    );
    expect(untold, heading).toEqual([]);
  }
});

test("in forced colours and in grey a state is told by its symbol and its word", async ({ page }) => {
  await page.emulateMedia({ forcedColors: "active" });
  const symbols = new Map<string, string>();
  for (const path of ["/", "/connections", "/set-up"]) {
    await page.goto(path);
    const chips = await page.locator("main :is(.chip, .counters a)").evaluateAll((all) =>
      all.map((chip) => {
        const own = getComputedStyle(chip);
        const symbol = chip.querySelector("svg")!;
        const box = symbol.getBoundingClientRect();
        return {
          colour: [...chip.classList].find((name) => name !== "chip")!,
          words: chip.textContent!.trim(),
          symbol: symbol.querySelector("use")!.getAttribute("href")!.split("#")[1]!,
          drawn: box.width >= 8 && box.height >= 8 && !["none", "transparent"].includes(getComputedStyle(symbol).fill),
          edge: own.borderTopStyle,
        };
      }),
    );
    expect(chips.length, path).toBeGreaterThan(0);
    for (const chip of chips) {
      expect(chip, path).toMatchObject({ drawn: true, edge: "solid" });
      expect(chip.words, path).not.toBe("");
      // what has another colour has another symbol
      expect(symbols.get(chip.symbol) ?? chip.colour, `${path}: ${chip.symbol}`).toBe(chip.colour);
      symbols.set(chip.symbol, chip.colour);
    }
  }
  expect(symbols.size).toBeGreaterThanOrEqual(5);
  await page.goto("/");
  const { covered, outlined, stops } = await walk(page, 30);
  expect(covered).toEqual([]);
  expect(outlined).toBe(stops);
});

test("a pair is one document of A4 pages, nothing on it is cut", async ({ page }) => {
  await page.goto("/?health=needs-you");
  await page.goto((await page.locator("#rows a[data-row]").first().getAttribute("href"))!);
  await expect(page.locator("a.outside").first()).toBeAttached();
  const file = await page.pdf({ format: "A4" });
  const sheets = [...file.toString("latin1").matchAll(/\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/g)];
  expect(sheets.length).toBeGreaterThan(0);
  // 210 × 297 mm in points, as far as the browser rounds them
  for (const [, width, height] of sheets) {
    expect(Math.abs(Number(width) - 595.3)).toBeLessThan(1);
    expect(Math.abs(Number(height) - 841.9)).toBeLessThan(1);
  }
  // the width of A4 between the margins, at 96 dots an inch
  await page.setViewportSize({ width: 718, height: 1000 });
  await page.emulateMedia({ media: "print" });
  const cut = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("main *")]
      .filter((element) => element.checkVisibility() && !element.closest(".unseen, svg"))
      .filter((element) => element.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
      .map((element) => element.outerHTML.slice(0, 120)),
  );
  expect(cut).toEqual([]);
});
