import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe finds on the page, in words. `rows`: of a long table only so many, where all have been looked at before. */
export async function axe(page: Page, rows?: number): Promise<string[]> {
  // What is new is offered by a button that floats over the rows; it comes when it comes. In the page's flow it is looked at
  // like the rest, and covers no row's link while that is measured. And what is drawn only when it comes near has no true
  // place before: the foot of a tall row would count as covered by the next one.
  await page.evaluate(() => {
    const inFlow = new CSSStyleSheet();
    inFlow.replaceSync(".news { position: static !important; } tbody tr { content-visibility: visible !important; }");
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, inFlow];
  });
  // Only what is wrong is told in detail; there are no frames of other origins, for which a second page would be opened.
  const builder = new AxeBuilder({ page }).options({ resultTypes: ["violations"] }).withTags(TAGS).setLegacyMode(true);
  if (rows) builder.exclude(`tbody tr:nth-child(n + ${rows + 1})`);
  const { violations } = await builder.analyze();
  return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(" ")}: ${n.failureSummary}`));
}

/** How much wider than the window the page is, CSS pixels: 0 when nothing scrolls sideways. */
export async function sideways(page: Page): Promise<number> {
  return page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - window.innerWidth));
}

/**
 * Targets smaller than 24 × 24 CSS pixels (WCAG 2.5.8) that are not links within a sentence and have no room
 * around them: a circle of 24 px about each must touch no other target.
 */
export async function smallTargets(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    // what is drawn only when it comes near has no true place before
    for (const row of document.querySelectorAll<HTMLElement>("tbody tr")) row.style.contentVisibility = "visible";
    const targets = [...document.querySelectorAll<HTMLElement>("a[href], button, select, input:not([type=hidden]), summary")]
      .filter((element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest(".skip, .unseen"))
      .map((element) => ({ element, box: (element.closest("label.radio") ?? element).getBoundingClientRect() }))
      .filter(({ box }) => box.width > 0 && box.height > 0);
    const middle = (box: DOMRect) => ({ x: box.x + box.width / 2, y: box.y + box.height / 2 });
    const near = (box: DOMRect, point: { x: number; y: number }) => {
      const dx = Math.max(box.left - point.x, 0, point.x - box.right);
      const dy = Math.max(box.top - point.y, 0, point.y - box.bottom);
      return Math.hypot(dx, dy);
    };
    return targets
      .filter(({ box }) => box.width < 24 || box.height < 24)
      .filter(({ element }) => {
        // a link in a line of text is as tall as the text
        const around = element.parentElement!;
        const text = [...around.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent!.trim());
        return !(element.localName === "a" && text);
      })
      .filter(({ element, box }) =>
        targets.some((other) => {
          if (other.element === element) return false;
          const small = other.box.width < 24 || other.box.height < 24;
          const apart = near(other.box, middle(box));
          return apart < 12 || (small && Math.hypot(middle(box).x - middle(other.box).x, middle(box).y - middle(other.box).y) < 24);
        }),
      )
      .map(({ element, box }) => `${Math.round(box.width)}×${Math.round(box.height)} ${element.outerHTML.slice(0, 120)}`);
  });
}

/** What one stop of the keyboard is like. */
interface Stop {
  /** Nothing has the focus: the walk is over. */
  end: boolean;
  /** The element, if something else lies over it or it is not to be seen. */
  covered?: string;
  outlined: boolean;
}

/** Presses Tab up to `stops` times; says which stops were covered or out of sight and how many had an outline. */
export async function walk(page: Page, stops: number): Promise<{ covered: string[]; outlined: number; stops: number }> {
  // a page that glides to the focus would be looked at halfway
  await page.emulateMedia({ reducedMotion: "reduce" });
  const covered: string[] = [];
  let outlined = 0;
  let seen = 0;
  for (; seen < stops; seen += 1) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(look);
    if (stop.end) break;
    if (stop.covered) covered.push(stop.covered);
    outlined += stop.outlined ? 1 : 0;
  }
  return { covered, outlined, stops: seen };
}

/** Runs in the page. */
function look(): Stop {
  const element = document.activeElement as HTMLElement | null;
  if (!element || element === document.body) return { end: true, outlined: false };
  // the last stop of a date field is the sign of its calendar: the field itself has not the focus then, and what is
  // drawn around the sign cannot be asked for
  const sign = element.matches("input[type=date]:not(:focus)");
  const outlined = sign || getComputedStyle(element).outlineStyle !== "none";
  const name = element.outerHTML.slice(0, 120);
  // a link may be broken over lines: its first box is looked at
  const box = [...element.getClientRects()].find((box) => box.width > 0 && box.height > 0);
  if (!box) return { end: false, outlined, covered: `without a box: ${name}` };
  // of what is taller or wider than the window the part in the window counts
  const [left, right] = [Math.max(box.left, 0), Math.min(box.right, window.innerWidth)];
  const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, window.innerHeight)];
  const seen = [0.5, 0.1, 0.9].some((part) => {
    const there = document.elementFromPoint(left + (right - left) * part, (top + bottom) / 2);
    return there !== null && (element.contains(there) || there.contains(element));
  });
  if (seen && left < right && top < bottom) return { end: false, outlined };
  return { end: false, outlined, covered: `covered or outside the window at ${Math.round(box.left)},${Math.round(box.top)}: ${name}` };
}
