/** The little DOM help a page without a framework needs. */

export type Child = Node | string | null;

/** `el("p", "note", "text")`; `null` children are left out. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  fillWith(element, children);
  return element;
}

/** Replaces what `parent` holds. */
export function fillWith(parent: Element, children: readonly Child[]): void {
  while (parent.firstChild !== null) parent.removeChild(parent.firstChild);
  for (const child of children) {
    if (child === null) continue;
    parent.appendChild(typeof child === "string" ? document.createTextNode(child) : child);
  }
}

/** An icon or other drawing from our own bundle, hidden from screen readers: a word always stands beside it. */
export function drawing(svg: string, className: string): HTMLElement {
  const element = el("span", className);
  element.setAttribute("aria-hidden", "true");
  element.innerHTML = svg;
  return element;
}
