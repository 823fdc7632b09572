/**
 * A paper as a DOCX file: A4 and Times New Roman 13, as Vietnamese offices set their papers (Decree 30/2020, annex I). The
 * library is large, so it is loaded when somebody exports.
 */
import type { IRunOptions, ITableCellOptions, Paragraph, Table } from "docx";
import type { Paper, PaperBlock, PaperCell, PaperPicture } from "./paper.ts";

export const DOCX_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

type Docx = typeof import("docx");

const FONT = "Times New Roman";
/** Half points. */
const BODY = 26;
const TABLE = 24;
/** Twentieths of a point: A4 with 20 mm above and below, 30 mm left, 15 mm right. */
const MM = 56.7;
const MARGIN = { top: 20 * MM, bottom: 20 * MM, left: 30 * MM, right: 15 * MM };
const WIDTH = Math.round((210 - 45) * MM);
/** Pixels of a picture in a cell, at most. */
const PICTURE_WIDTH = 150;

export async function docxOf(paper: Paper): Promise<Blob> {
  const docx = await import("docx");
  const children: (Paragraph | Table)[] = [
    line(docx, paper.title, { bold: true, size: 30 }, { centre: true, after: 40 }),
    ...(paper.subtitle === ""
      ? []
      : [line(docx, paper.subtitle, { italics: true }, { centre: true, after: 160 })]),
  ];
  for (const block of paper.blocks) children.push(...(await blockOf(docx, block)));
  const document = new docx.Document({
    creator: "Nhịp Cầu",
    title: paper.title,
    styles: {
      default: { document: { run: { font: FONT, size: BODY, language: { value: "vi-VN" } } } },
    },
    sections: [
      {
        properties: {
          page: {
            size: { width: Math.round(210 * MM), height: Math.round(297 * MM) },
            margin: rounded(MARGIN),
          },
        },
        footers: {
          default: new docx.Footer({
            children: [
              new docx.Paragraph({
                alignment: docx.AlignmentType.CENTER,
                children: [new docx.TextRun({ children: [docx.PageNumber.CURRENT], size: 22 })],
              }),
            ],
          }),
        },
        children,
      },
    ],
  });
  return docx.Packer.toBlob(document);
}

async function blockOf(docx: Docx, block: PaperBlock): Promise<(Paragraph | Table)[]> {
  switch (block.kind) {
    case "facts":
      return [factsTable(docx, block.facts), line(docx, "", {}, {})];
    case "heading":
      return [line(docx, block.text, { bold: true }, { before: 160, after: 60, keepNext: true })];
    case "text":
      return block.lines.map((text) => line(docx, text, {}, { after: 40 }));
    case "table":
      return [await table(docx, block), line(docx, "", {}, {})];
    case "signatures":
      return signatures(docx, block);
    default:
      return block satisfies never;
  }
}

interface LineLook {
  readonly centre?: boolean;
  readonly before?: number;
  readonly after?: number;
  readonly keepNext?: boolean;
}

function line(docx: Docx, text: string, run: IRunOptions, look: LineLook): Paragraph {
  return new docx.Paragraph({
    ...(look.centre ? { alignment: docx.AlignmentType.CENTER } : {}),
    ...(look.keepNext ? { keepNext: true } : {}),
    spacing: { before: look.before ?? 0, after: look.after ?? 0 },
    children: [new docx.TextRun({ ...run, text })],
  });
}

/** Two facts a line, as on paper; without lines around them. */
function factsTable(docx: Docx, facts: readonly (readonly [string, string])[]): Table {
  const none = { style: docx.BorderStyle.NONE, size: 0, color: "auto" };
  const borders = { top: none, bottom: none, left: none, right: none };
  const half = Math.round(WIDTH / 2);
  const cell = (fact: readonly [string, string] | undefined) =>
    new docx.TableCell({
      borders,
      width: { size: half, type: docx.WidthType.DXA },
      children: [
        new docx.Paragraph({
          spacing: { after: 30 },
          children:
            fact === undefined
              ? []
              : [
                  new docx.TextRun({ text: `${fact[0]}: `, bold: true }),
                  new docx.TextRun({ text: fact[1] === "" ? "……………………" : fact[1] }),
                ],
        }),
      ],
    });
  const rows = [];
  for (let index = 0; index < facts.length; index += 2) {
    rows.push(new docx.TableRow({ children: [cell(facts[index]), cell(facts[index + 1])] }));
  }
  return new docx.Table({
    width: { size: WIDTH, type: docx.WidthType.DXA },
    columnWidths: [half, half],
    borders: { ...borders, insideHorizontal: none, insideVertical: none },
    rows,
  });
}

async function table(docx: Docx, block: Extract<PaperBlock, { kind: "table" }>): Promise<Table> {
  const widths = block.columns.map(({ width }) => Math.round((WIDTH * width) / 100));
  const head = new docx.TableRow({
    tableHeader: true,
    cantSplit: true,
    children: block.columns.map(
      ({ title }, index) =>
        new docx.TableCell({
          ...cellLook(docx, widths[index] ?? 0),
          shading: { fill: "ECEBE3", type: docx.ShadingType.CLEAR, color: "auto" },
          children: [line(docx, title, { bold: true, size: TABLE }, { centre: true })],
        }),
    ),
  });
  const rows = [head];
  for (const row of block.rows) {
    if ("span" in row) {
      const children = [line(docx, row.span, { bold: true, italics: true, size: TABLE }, { keepNext: true })];
      rows.push(
        new docx.TableRow({
          cantSplit: true,
          children: [
            new docx.TableCell({ ...cellLook(docx, WIDTH), columnSpan: block.columns.length, children }),
          ],
        }),
      );
      continue;
    }
    const cells = [];
    for (const [index, cell] of row.cells.entries()) {
      cells.push(
        new docx.TableCell({
          ...cellLook(docx, widths[index] ?? 0),
          children: await cellContent(docx, cell),
        }),
      );
    }
    rows.push(new docx.TableRow({ children: cells }));
  }
  return new docx.Table({
    width: { size: WIDTH, type: docx.WidthType.DXA },
    columnWidths: widths,
    layout: docx.TableLayoutType.FIXED,
    rows,
  });
}

function cellLook(docx: Docx, width: number): Pick<ITableCellOptions, "width" | "margins"> {
  return {
    width: { size: width, type: docx.WidthType.DXA },
    margins: { top: 40, bottom: 40, left: 90, right: 90 },
  };
}

async function cellContent(docx: Docx, cell: PaperCell): Promise<Paragraph[]> {
  const run = { size: TABLE, ...(cell.strong ? { bold: true } : {}) };
  const look = cell.centre ? { centre: true } : {};
  const content = cell.lines.map((text) => line(docx, text, run, look));
  for (const picture of cell.pictures ?? []) content.push(await pictureLine(docx, picture));
  return content.length === 0 ? [line(docx, "", run, look)] : content;
}

async function pictureLine(docx: Docx, picture: PaperPicture): Promise<Paragraph> {
  const width = Math.min(PICTURE_WIDTH, picture.width);
  const height = Math.round((width * picture.height) / picture.width);
  return new docx.Paragraph({
    spacing: { before: 40 },
    children: [
      new docx.ImageRun({
        type: picture.data.type === "image/png" ? "png" : "jpg",
        data: await picture.data.arrayBuffer(),
        transformation: { width, height },
      }),
    ],
  });
}

function signatures(docx: Docx, block: Extract<PaperBlock, { kind: "signatures" }>): (Paragraph | Table)[] {
  const none = { style: docx.BorderStyle.NONE, size: 0, color: "auto" };
  const borders = { top: none, bottom: none, left: none, right: none };
  const share = Math.round(WIDTH / Math.max(1, block.people.length));
  const cells = block.people.map(
    ({ role, name }) =>
      new docx.TableCell({
        borders,
        width: { size: share, type: docx.WidthType.DXA },
        children: [
          line(docx, role, { bold: true }, { centre: true, keepNext: true }),
          line(
            docx,
            block.hint,
            { italics: true, size: TABLE },
            { centre: true, after: 900, keepNext: true },
          ),
          line(docx, name, { bold: true }, { centre: true }),
        ],
      }),
  );
  return [
    line(docx, "", {}, {}),
    new docx.Table({
      width: { size: WIDTH, type: docx.WidthType.DXA },
      columnWidths: block.people.map(() => share),
      borders: { ...borders, insideHorizontal: none, insideVertical: none },
      rows: [new docx.TableRow({ cantSplit: true, children: cells })],
    }),
  ];
}

function rounded<T extends { [side: string]: number }>(sides: T): T {
  return Object.fromEntries(Object.entries(sides).map(([side, size]) => [side, Math.round(size)])) as T;
}
