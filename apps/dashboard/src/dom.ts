/** The element that index.html promises. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found;
}

/** Changes text only when it differs, so that selections and screen readers are left alone. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

export function element(tag: string, className = "", text = ""): HTMLElement {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/**
 * Makes the parent's children those of `items`, in order; an element lives as long as its key does, so rows keep
 * focus and selection while their figures change.
 */
export function keyed<Item>(
  parent: Element,
  items: readonly Item[],
  keyOf: (item: Item) => string,
  create: (item: Item) => HTMLElement,
  update: (row: HTMLElement, item: Item) => void,
): void {
  const old = new Map(
    [...parent.children].map((child) => [(child as HTMLElement).dataset.key, child as HTMLElement]),
  );
  for (const [index, item] of items.entries()) {
    const key = keyOf(item);
    const row = old.get(key) ?? create(item);
    old.delete(key);
    row.dataset.key = key;
    update(row, item);
    if (parent.children[index] !== row) parent.insertBefore(row, parent.children[index] ?? null);
  }
  for (const gone of old.values()) gone.remove();
}

/** Names of as many task colours as style.css defines; further tasks begin again. */
export function taskColour(index: number): string {
  return `--task-${index % 8}`;
}
