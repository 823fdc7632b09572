/** A paper as a page for the printer, or for "save as PDF": nothing else of the page is printed. */
import "./print.css";
import type { Paper, PaperBlock, PaperCell } from "./paper.ts";

/** The paper as an element, and the addresses of its pictures, to be revoked. */
export function paperElement(paper: Paper): { page: HTMLElement; urls: readonly string[] } {
  const urls: string[] = [];
  const page = element("article", "paper");
  page.append(element("h1", "", paper.title));
  if (paper.subtitle !== "") page.append(element("p", "paper-subtitle", paper.subtitle));
  for (const block of paper.blocks) page.append(blockOf(block, urls));
  return { page, urls };
}

/** Puts the paper into the page, where only the printer sees it, and opens the browser's print dialogue. */
export async function printPaper(paper: Paper, print: () => void = () => window.print()): Promise<void> {
  document.querySelector("body > .paper")?.remove();
  const { page, urls } = paperElement(paper);
  document.body.append(page);
  await Promise.all([...page.querySelectorAll("img")].map((image) => image.decode().catch(() => undefined)));
  const title = document.title;
  // The browser names the PDF after the page.
  document.title = paper.subtitle === "" ? paper.title : `${paper.title} – ${paper.subtitle}`;
  const done = (): void => {
    removeEventListener("afterprint", done);
    document.title = title;
    for (const url of urls) URL.revokeObjectURL(url);
    page.remove();
  };
  addEventListener("afterprint", done);
  print();
}

function blockOf(block: PaperBlock, urls: string[]): HTMLElement {
  switch (block.kind) {
    case "facts": {
      const list = element("dl", "paper-facts");
      for (const [label, value] of block.facts) {
        const fact = element("div");
        fact.append(element("dt", "", `${label}: `), element("dd", "", value));
        list.append(fact);
      }
      return list;
    }
    case "heading":
      return element("h2", "", block.text);
    case "text": {
      const text = element("div", "paper-text");
      for (const line of block.lines) text.append(element("p", "", line));
      return text;
    }
    case "table":
      return tableOf(block, urls);
    case "signatures": {
      const row = element("div", "paper-signatures");
      for (const { role, name } of block.people) {
        const person = element("div");
        person.append(
          element("p", "paper-role", role),
          element("p", "paper-hint", block.hint),
          element("p", "paper-name", name),
        );
        row.append(person);
      }
      return row;
    }
    default:
      return block satisfies never;
  }
}

function tableOf(block: Extract<PaperBlock, { kind: "table" }>, urls: string[]): HTMLElement {
  const table = element("table");
  const columns = element("colgroup");
  const head = element("tr");
  for (const { title, width } of block.columns) {
    const column = element("col");
    column.style.width = `${width}%`;
    columns.append(column);
    head.append(element("th", "", title));
  }
  const thead = element("thead");
  thead.append(head);
  const body = element("tbody");
  for (const row of block.rows) {
    const line = element("tr");
    if ("span" in row) {
      const cell = element("td", "paper-span", row.span) as HTMLTableCellElement;
      cell.colSpan = block.columns.length;
      line.append(cell);
    } else {
      for (const cell of row.cells) line.append(cellOf(cell, urls));
    }
    body.append(line);
  }
  table.append(columns, thead, body);
  return table;
}

function cellOf(cell: PaperCell, urls: string[]): HTMLElement {
  const made = element("td", cell.centre ? "paper-centre" : "");
  for (const line of cell.lines) made.append(element(cell.strong ? "strong" : "p", "", line));
  for (const { data } of cell.pictures ?? []) {
    const image = document.createElement("img");
    image.src = URL.createObjectURL(data);
    image.alt = "";
    urls.push(image.src);
    made.append(image);
  }
  return made;
}

function element(name: string, className = "", text = ""): HTMLElement {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  if (text !== "") made.textContent = text;
  return made;
}
