import type { Page } from "@playwright/test";

/** Every kind of page; the checks that hold for all of them walk this list. */
export interface Route {
  name: string;
  path: string;
  /** Where the page's own address depends on the data: the first link of this kind on `path` leads to it. */
  first?: string;
  /** And from there the first link of this kind. */
  then?: string;
  /** What the server must answer. */
  status: number;
  /** Whether a visitor must have signed in. */
  session: boolean;
  /** Whether the page has islands. */
  islands: boolean;
  /** Whether it shows about everything that pages are made of. */
  rich?: boolean;
}

export const routes: Route[] = [
  { name: "sign-in", path: "/sign-in", status: 200, session: false, islands: false },
  { name: "dashboard", path: "/", status: 200, session: true, islands: true, rich: true },
  { name: "dashboard-filtered", path: "/?q=zzzz&health=needs-you", status: 200, session: true, islands: true },
  { name: "pair", path: "/", first: "#rows a[data-row]", status: 200, session: true, islands: true },
  { name: "pair-needs-you", path: "/?health=needs-you", first: "#rows a[data-row]", status: 200, session: true, islands: true, rich: true },
  { name: "rebuild", path: "/?sync=in-step", first: "#rows a[data-row]", then: "a[href$='/rebuild']", status: 200, session: true, islands: true },
  { name: "palette", path: "/palette?q=sign", status: 200, session: true, islands: true },
  { name: "not-linked", path: "/incidents", status: 200, session: true, islands: true },
  { name: "link-by-hand", path: "/incidents", first: "#rows a[href*='/link?']", status: 200, session: true, islands: true },
  { name: "problems", path: "/problems", status: 200, session: true, islands: true },
  { name: "runs", path: "/runs", status: 200, session: true, islands: true },
  { name: "connections", path: "/connections", status: 200, session: true, islands: true },
  { name: "disconnect", path: "/connections", first: "a[href$='/disconnect']", status: 200, session: true, islands: true },
  { name: "set-up", path: "/set-up", status: 200, session: true, islands: true },
  { name: "set-up-microsoft", path: "/set-up/microsoft", status: 200, session: true, islands: true, rich: true },
  { name: "set-up-sign-in", path: "/set-up/sign-in", status: 200, session: true, islands: true },
  { name: "set-up-halo", path: "/set-up/halo", status: 200, session: true, islands: true },
  { name: "set-up-clients", path: "/set-up/clients", status: 200, session: true, islands: true, rich: true },
  { name: "set-up-check", path: "/set-up/check", status: 200, session: true, islands: true },
  { name: "set-up-mapping", path: "/set-up/mapping", status: 200, session: true, islands: true, rich: true },
  { name: "set-up-import", path: "/set-up/import", status: 200, session: true, islands: true },
  { name: "set-up-go-live", path: "/set-up/go-live", status: 200, session: true, islands: true },
  { name: "configuration", path: "/configuration?version=1", status: 200, session: true, islands: true },
  { name: "tickets", path: "/tickets", status: 200, session: true, islands: true },
  { name: "look-up", path: "/look-up", status: 200, session: true, islands: true },
  { name: "accounts", path: "/accounts", status: 200, session: true, islands: true },
  { name: "api-tokens", path: "/tokens", status: 200, session: true, islands: true },
  { name: "approvals", path: "/approvals", status: 200, session: true, islands: true },
  { name: "drift", path: "/drift", status: 200, session: true, islands: true },
  { name: "backfill", path: "/backfill", status: 200, session: true, islands: true },
  { name: "shadow", path: "/shadow", status: 200, session: true, islands: true },
  { name: "errands", path: "/errands", status: 200, session: true, islands: true },
  { name: "views", path: "/views", status: 200, session: true, islands: true },
  { name: "views-saving", path: "/views?list=pairs&query=health%3Dneeds-you", status: 200, session: true, islands: true },
  { name: "ledger", path: "/ledger", status: 200, session: true, islands: true },
  { name: "help", path: "/help", status: 200, session: true, islands: true },
  { name: "help-commands", path: "/help/commands", status: 200, session: true, islands: true },
  { name: "account", path: "/account", status: 200, session: true, islands: true },
  { name: "not-found", path: "/no-such-page", status: 404, session: true, islands: true },
];

/** The address of a route's page. */
export async function address(page: Page, route: Route): Promise<string> {
  if (!route.first) return route.path;
  await page.goto(route.path);
  const first = (await page.locator(route.first).first().getAttribute("href"))!;
  if (!route.then) return first;
  await page.goto(first);
  return (await page.locator(route.then).first().getAttribute("href"))!;
}
