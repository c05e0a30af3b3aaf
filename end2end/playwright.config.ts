import { defineConfig } from "@playwright/test";

// Debian's Chromium; nothing is downloaded, and the browser asks nobody outside.
const launchOptions = {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

const shots = {
  name: "shots",
  testDir: "./shots",
  use: { launchOptions, javaScriptEnabled: true },
};

const lighthouse = {
  name: "lighthouse",
  testDir: "./lighthouse",
  use: { launchOptions },
};

export default defineConfig({
  testDir: "./tests",
  outputDir: "./test-results",
  forbidOnly: !!process.env.CI,
  fullyParallel: false,
  // A flaky test is a fault: it is not tried again.
  retries: 0,
  // Long enough for a machine that also compiles; each test waits for what it expects, never for a time.
  timeout: 90_000,
  expect: { timeout: 15_000 },
  workers: process.env.CI ? 2 : undefined,
  reporter: [["list"]],
  use: {
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    // a trace of every test costs a seventh of the time
    trace: process.env.CI ? "off" : "retain-on-failure",
    // no smooth scrolling: without scripts nothing tells the browser driver when it has ended
    contextOptions: { reducedMotion: "reduce" },
  },
  projects: [
    { name: "js", use: { launchOptions, javaScriptEnabled: true } },
    // axe runs as a script in the page; what it finds does not depend on our own scripts.
    { name: "no-js", testIgnore: "a11y.spec.ts", use: { launchOptions, javaScriptEnabled: false } },
    ...(process.env.SHOTS ? [shots] : []),
    ...(process.env.LIGHTHOUSE ? [lighthouse] : []),
  ],
});
