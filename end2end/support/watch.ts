import type { BrowserContext, Page } from "@playwright/test";

/**
 * Collects what must never happen on any page: console errors, uncaught exceptions, breaches of the
 * content security policy, requests to another origin, and answers of 500 and above.
 */
export function watch(context: BrowserContext, origin: string): string[] {
  const faults: string[] = [];
  const follow = (page: Page) => {
    page.on("pageerror", (error) => faults.push(`exception on ${page.url()}: ${error.message}`));
    page.on("console", (message) => {
      const policy = message.text().includes("Content Security Policy");
      if (message.type() !== "error" && !policy) return;
      // The browser reports a page that is itself a 404 or a 422 as a resource that did not load.
      const loading = message.text().startsWith("Failed to load resource");
      if (loading && message.location().url === page.url()) return;
      faults.push(`console on ${page.url()}: ${message.text()} (${message.location().url})`);
    });
  };
  context.pages().forEach(follow);
  context.on("page", follow);
  context.on("request", (request) => {
    const address = request.url();
    const inside = address.startsWith(`${origin}/`) || address.startsWith("data:") || address.startsWith("blob:");
    if (!inside) faults.push(`a request left the origin: ${address}`);
  });
  context.on("response", (response) => {
    if (response.status() >= 500) faults.push(`${response.status()} from ${response.url()}`);
  });
  return faults;
}

/** Without what happens on these origins, which are not ours: a sign-in elsewhere, and the way back from there. */
export function beside(faults: string[], origins: string[]): string[] {
  const there = (fault: string, origin: string) =>
    fault.startsWith(`a request left the origin: ${origin}/`) || fault.startsWith(`console on ${origin}/`);
  return faults.filter((fault) => !origins.some((origin) => there(fault, origin)));
}
