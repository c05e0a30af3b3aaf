import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe finds on the page, in words. */
export async function axe(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
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

/** The element that has the focus, if something else lies over it or it is not to be seen. */
export async function coveredFocus(page: Page): Promise<string | undefined> {
  return page.evaluate(() => {
    const element = document.activeElement as HTMLElement | null;
    if (!element || element === document.body) return undefined;
    const name = element.outerHTML.slice(0, 120);
    // a link may be broken over lines: its first box is looked at
    const box = [...element.getClientRects()].find((box) => box.width > 0 && box.height > 0);
    if (!box) return `without a box: ${name}`;
    const points = [0.5, 0.1, 0.9].map((part) => [box.left + box.width * part, box.top + box.height / 2] as const);
    const seen = points.some(([x, y]) => {
      const top = document.elementFromPoint(x, y);
      return top !== null && (element.contains(top) || top.contains(element));
    });
    return seen ? undefined : `covered or outside the window at ${Math.round(box.left)},${Math.round(box.top)}: ${name}`;
  });
}
