import { axe, sideways } from "../support/checks";
import { expect, test } from "../support/fixtures";

// Rules of one client on top of a policy that others follow, and the configuration as a file.

test("a client gets a rule of its own, sees what comes from the base, and gives it back", async ({ page, javaScriptEnabled }) => {
  await page.goto("/set-up/clients");
  const row = page.locator("#rules").getByRole("row").filter({ has: page.getByRole("link", { name: /^Own rules/ }) }).first();
  const name = (await row.getByRole("rowheader").innerText()).trim();
  await expect(row).toContainText("All as in");
  await row.getByRole("link", { name: /^Own rules/ }).click();
  await expect(page.getByText(`Rules of “${name}”`)).toBeVisible();
  await expect(page.getByText("Nothing differs from it.")).toBeVisible();

  const incidents = page.locator("#part-incidents");
  await incidents.locator("> summary").click();
  await expect(incidents.getByText("New tickets within an hour: from")).toBeVisible();
  await incidents.getByText("Which incidents become tickets", { exact: true }).click();
  await incidents.getByLabel(/^New tickets within an hour, above/).fill("33");
  await page.getByRole("button", { name: /^Save for \d+ workspaces? at once$/ }).click();
  await expect(page.locator(".flash")).toContainText("Saved");
  await expect(page.getByText("One rule differs from it.")).toBeVisible();
  await expect(incidents.locator("> summary")).toContainText("Own: New tickets within an hour.");

  if (javaScriptEnabled) {
    await page.evaluate(() => document.querySelectorAll("main details").forEach((one) => one.setAttribute("open", "")));
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 900 });
      expect(await axe(page), `unfolded, ${width} px`).toEqual([]);
      expect(await sideways(page), `unfolded, ${width} px`).toBe(0);
    }
  }

  // the base says who differs in what
  await page.goto("/set-up/clients");
  await expect(page.locator("#rules").getByRole("row").filter({ hasText: "Own: New tickets within an hour." })).toContainText(name);
  await page.goto("/set-up/mapping");
  await expect(page.getByRole("region", { name: "Built on this policy" })).toContainText(name);

  await page.getByRole("region", { name: "Built on this policy" }).getByRole("link", { name, exact: true }).click();
  await incidents.locator("> summary").click();
  await incidents.getByLabel(/^Take it from “.*” again: New tickets within an hour$/).check();
  await page.getByRole("button", { name: /^Save for \d+ workspaces? at once$/ }).click();
  await expect(page.getByText("Nothing differs from it.")).toBeVisible();
});

test("a file is compared line by line and then applied", async ({ page }) => {
  await page.goto("/configuration");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download the configuration" }).click(),
  ]);
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  const file = Buffer.concat(chunks).toString("utf8");
  const before = /tickets_per_hour = (\d+)/.exec(file)![1];
  expect(download.suggestedFilename()).toBe("halobridge.toml");

  await page.getByText("Compare and apply a file", { exact: true }).click();
  const area = page.getByLabel("The file, pasted");
  await area.fill(file.replace(/notes = "\w+"/, 'notes = "some"'));
  await page.getByRole("button", { name: "Compare" }).click();
  await expect(page.getByText(/^Line \d+, column \d+$/).first()).toBeVisible();
  await expect(page.getByRole("button", { name: "Apply" })).toHaveCount(0);

  for (const [from, to] of [[before, "123"], ["123", before]]) {
    await area.fill(file.replace(`tickets_per_hour = ${before}`, `tickets_per_hour = ${to}`));
    await page.getByRole("button", { name: "Compare" }).click();
    await expect(page.getByLabel("What applying the file changes")).toContainText(`tickets_per_hour: ${from} -> ${to}`);
    await page.getByRole("button", { name: "Apply" }).click();
    await expect(page.locator(".flash")).toContainText("Applied");
    await page.getByText("Compare and apply a file", { exact: true }).click();
  }
});
