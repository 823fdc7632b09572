/** The organiser's board: every room as a tile, all in sight, trouble first; one of them in detail beside it. */
import "./board.css";
import hand from "lucide-static/icons/hand.svg?raw";
import lock from "lucide-static/icons/lock.svg?raw";
import lockOpen from "lucide-static/icons/lock-open.svg?raw";
import message from "lucide-static/icons/message-square.svg?raw";
import wifiOff from "lucide-static/icons/wifi-off.svg?raw";
import close from "lucide-static/icons/x.svg?raw";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import {
  type BoardFilter,
  type BoardFit,
  type BoardGroup,
  type BoardTile,
  type BoardView,
  boardView,
  fitBoard,
  groupLevel,
  STATES,
  severityOf,
} from "../shared/board.ts";
import { formatSince } from "../shared/format.ts";
import { tileName } from "../shared/lead-facts.ts";
import type { Lesson } from "../shared/protocol.ts";
import { matches } from "../shared/search.ts";
import { Button } from "../shared/ui/button.tsx";
import { Dialog } from "../shared/ui/dialog.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { MessageWriter } from "../shared/ui/messages.tsx";
import { adviceOf, HELP_ICONS, STATE_ICONS, summaryLine } from "../shared/ui/room-words.ts";
import type { Board } from "./board.ts";
import type { LessonLine } from "./lesson-line.ts";
import { RoomPanel } from "./room-panel.tsx";
import { levelWords } from "./units.ts";
import { t } from "./words.ts";

export interface BoardPartProps {
  board: Board;
  line: LessonLine;
  lesson: Lesson;
}

/** Minutes on tiles; seconds are not worth redrawing two hundred tiles for. */
const TICK_MS = 5000;

export function BoardPart({ board, line, lesson }: BoardPartProps): JSX.Element {
  const [wanted, search] = useState("");
  const [filter, setFilter] = useState<BoardFilter>("all");
  const [open, show] = useState<string | null>(null);
  const [now, setNow] = useState(line.serverNow());
  useEffect(() => {
    const timer = setInterval(() => setNow(line.serverNow()), TICK_MS);
    return () => clearInterval(timer);
  }, [line]);
  const facts = line.lead.facts.value;
  const tiles = useMemo(() => [...(facts.tiles?.values() ?? [])], [facts.tiles]);
  const [grouping, group] = useState<Grouping>("auto");
  const level = useMemo(() => (grouping === "auto" ? groupLevel(tiles) : grouping), [tiles, grouping]);
  const view = boardView(tiles, {
    hands: facts.hands,
    filter,
    found: (name) => matches(name, wanted),
    level,
  });
  const chosen = open === null ? undefined : facts.tiles?.get(open);
  const levels = levelWords(tiles, board.units.value);
  return (
    <section class="board" data-open={chosen !== undefined} aria-labelledby="board-sum">
      <div class="board-head">
        <p id="board-sum" class="board-sum" role="status">
          {facts.tiles === null ? t("org.board.wait") : `${summaryLine(view.counts, t)}.`}
        </p>
        <BoardTools board={board} line={line} lesson={lesson} />
        {levels.length === 0 ? null : <GroupChoice levels={levels} grouping={grouping} onGroup={group} />}
      </div>
      <Filters view={view} filter={filter} onFilter={setFilter} wanted={wanted} onSearch={search} />
      {lesson.locked === true ? (
        <p class="board-locked" role="status">
          <Icon svg={lock} />
          {t("org.locked")}
        </p>
      ) : null}
      {line.status.value.kind === "open" ? null : (
        <p class="board-offline" role="status">
          <Icon svg={wifiOff} />
          {t("org.board.offline")}
        </p>
      )}
      <div class="board-main">
        {tiles.length === 0 && facts.tiles !== null ? <p>{t("org.board.empty")}</p> : null}
        {tiles.length > 0 && view.shown === 0 ? <p>{t("org.board.none")}</p> : null}
        <Tiles
          view={view}
          now={Math.max(now, line.serverNow() - TICK_MS)}
          unread={line.lead.unread.value}
          chosen={open}
          onOpen={(place) => show(place === open ? null : place)}
        />
        {chosen === undefined ? null : (
          <aside class="board-room" aria-label={`${t("org.board.details")}: ${tileName(chosen)}`}>
            <div class="board-room-head">
              <h2>{tileName(chosen)}</h2>
              <Button kind="quiet" icon={close} onClick={() => show(null)}>
                {t("board.room.close")}
              </Button>
            </div>
            <RoomPanel key={chosen.id} board={board} line={line} lesson={lesson} tile={chosen} />
          </aside>
        )}
      </div>
    </section>
  );
}

/** Which units stand together: a level from the top, none, or the one that groups best. */
type Grouping = "auto" | number | null;

interface FiltersProps {
  view: BoardView;
  filter: BoardFilter;
  onFilter: (filter: BoardFilter) => void;
  wanted: string;
  onSearch: (wanted: string) => void;
}

interface GroupChoiceProps {
  /** What each level of units is called, from the top. */
  levels: readonly string[];
  grouping: Grouping;
  onGroup: (grouping: Grouping) => void;
}

function Filters(props: FiltersProps): JSX.Element {
  const { view, filter, onFilter, wanted, onSearch } = props;
  const trouble = STATES.filter((state) => ["bad", "warn"].includes(severityOf(state))).reduce(
    (sum, state) => sum + view.counts[state],
    0,
  );
  const chips: { filter: BoardFilter; word: string; count: number; icon: string | null }[] = [
    { filter: "all", word: t("org.board.filter.all"), count: view.total, icon: null },
    { filter: "trouble", word: t("org.board.filter.trouble"), count: trouble, icon: null },
    { filter: "asks", word: t("org.board.filter.asks"), count: view.asks, icon: hand },
    ...STATES.map((state) => ({
      filter: state,
      word: t(`board.state.${state}`),
      count: view.counts[state],
      icon: STATE_ICONS[state],
    })),
  ];
  return (
    <div class="board-filters">
      <input
        type="search"
        class="input board-search"
        placeholder={t("org.board.search")}
        aria-label={t("org.board.search")}
        value={wanted}
        onInput={(event) => onSearch(event.currentTarget.value)}
      />
      <fieldset class="board-chips">
        <legend class="visually-hidden">{t("org.board.filter")}</legend>
        {chips
          .filter((chip) => chip.count > 0 || chip.filter === "all" || chip.filter === filter)
          .map((chip) => (
            <button
              type="button"
              key={chip.filter}
              class="board-chip"
              aria-pressed={chip.filter === filter}
              onClick={() => onFilter(chip.filter === filter ? "all" : chip.filter)}
            >
              {chip.icon === null ? null : <Icon svg={chip.icon} />}
              {chip.word} <strong>{chip.count}</strong>
            </button>
          ))}
      </fieldset>
    </div>
  );
}

function GroupChoice({ levels, grouping, onGroup }: GroupChoiceProps): JSX.Element {
  return (
    <label class="board-group">
      {t("org.board.group")}
      <select
        class="input"
        value={grouping === null ? "none" : String(grouping)}
        onChange={(event) => {
          const { value } = event.currentTarget;
          onGroup(value === "auto" ? "auto" : value === "none" ? null : Number(value));
        }}
      >
        <option value="auto">{t("org.board.group.auto")}</option>
        {levels.map((word, level) => (
          <option key={level} value={String(level)}>
            {word}
          </option>
        ))}
        <option value="none">{t("org.board.group.none")}</option>
      </select>
    </label>
  );
}

interface TilesProps {
  view: BoardView;
  now: number;
  unread: ReadonlyMap<string, number>;
  chosen: string | null;
  onOpen: (place: string) => void;
}

/** Lays the tiles out so that all of them are in sight, as large as that allows. */
function Tiles(props: TilesProps): JSX.Element {
  const { view } = props;
  const box = useRef<HTMLDivElement>(null);
  const [space, setSpace] = useState({ width: 1300, height: 600 });
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const measure = (): void => {
      const { left, top } = element.getBoundingClientRect();
      // From where it stands to the foot of the window, whatever it holds now.
      const height = innerHeight - Math.max(0, top + scrollY) - FOOT_PX;
      const width = element.clientWidth || innerWidth - 2 * left;
      setSpace((old) => (old.width === width && old.height === height ? old : { width, height }));
    };
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    // What stands above grows and shrinks with the states there are.
    const board = element.closest(".board");
    if (board !== null) watch.observe(board);
    addEventListener("resize", measure);
    return () => {
      watch.disconnect();
      removeEventListener("resize", measure);
    };
  }, []);
  const fit = fitBoard(
    view.groups.map(({ tiles }) => tiles.length),
    space.width,
    space.height,
  );
  return (
    <div
      class="tiles"
      ref={box}
      data-density={fit.density}
      data-inline={fit.inline}
      style={{ "--columns": String(fit.columns), "--tile": `${fit.tilePx}px` }}
    >
      {fit.inline ? (
        <ul class="tiles-grid">
          {view.groups.flatMap((group) => [
            <GroupCell key={`group ${group.name}`} group={group} />,
            ...group.tiles.map((entry) => (
              <TileCell key={entry.tile.id} entry={entry} fit={fit} {...props} />
            )),
          ])}
        </ul>
      ) : (
        view.groups.map((group) => (
          <section key={group.name} class="tiles-group" aria-label={groupName(group)}>
            {view.groups.length > 1 ? (
              <h2 class="tiles-head">
                {groupName(group)}
                <GroupTrouble group={group} />
              </h2>
            ) : null}
            <ul class="tiles-grid">
              {group.tiles.map((entry) => (
                <TileCell key={entry.tile.id} entry={entry} fit={fit} {...props} />
              ))}
            </ul>
          </section>
        ))
      )}
    </div>
  );
}

/** Space below the tiles. */
const FOOT_PX = 10;

function groupName(group: BoardGroup): string {
  return group.name === "" ? t("org.board.other") : group.name;
}

function GroupTrouble({ group }: { group: BoardGroup }): JSX.Element | null {
  return group.trouble === 0 ? null : (
    <span class="tiles-trouble">{t("org.board.group.trouble", { count: group.trouble })}</span>
  );
}

function GroupCell({ group }: { group: BoardGroup }): JSX.Element {
  return (
    <li class="tiles-cell" title={groupName(group)}>
      <strong>{groupName(group)}</strong>
      <GroupTrouble group={group} />
    </li>
  );
}

type TileCellProps = TilesProps & { entry: BoardTile; fit: BoardFit };

/** On the smallest tiles the number tells the class, not the word before it; where even that is too long, the school's name gives way. */
function ShortName({ name }: { name: string }): JSX.Element {
  const short = name.replace(/(^|\s)(?:Lớp|Class)\s+(?=\d)/u, "$1");
  const at = short.lastIndexOf(" · ");
  if (at < 0) return <span class="tile-name">{short}</span>;
  return (
    <span class="tile-name tile-name-split">
      <span>{short.slice(0, at)}</span>
      <span>{`\u00a0· ${short.slice(at + 3)}`}</span>
    </span>
  );
}

function TileCell({ entry, fit, now, unread, chosen, onOpen }: TileCellProps): JSX.Element {
  const { tile, name, hand: position } = entry;
  const state = tile.removed ? t("board.removed") : t(`board.state.${tile.state}`);
  const since = formatSince(now - tile.since);
  const help = tile.help[0];
  const messages = unread.get(tile.id) ?? 0;
  const marks = [
    position === null ? null : t("board.hand.position", { position }),
    help === undefined ? null : t(`board.help.${help.kind}`),
    messages === 0 ? null : t("board.message.unread", { count: messages }),
  ].filter((mark) => mark !== null);
  const advice = adviceOf(tile, t);
  return (
    <li>
      <button
        type="button"
        class="tile"
        data-severity={tile.removed ? "idle" : severityOf(tile.state)}
        data-state={tile.state}
        aria-pressed={chosen === tile.id}
        title={[name, `${state} · ${since}`, advice, ...marks].filter((part) => part !== "").join("\n")}
        onClick={() => onOpen(tile.id)}
      >
        {fit.density === "dense" ? <ShortName name={name} /> : <span class="tile-name">{name}</span>}
        <span class="tile-state">
          <Icon svg={STATE_ICONS[tile.state]} />
          <span class="tile-word">{state}</span>
          <span class="tile-since">{since}</span>
          {marks.length === 0 ? null : (
            <span class="tile-marks">
              {position === null ? null : <Icon svg={hand} />}
              {help === undefined ? null : <Icon svg={HELP_ICONS[help.kind]} />}
              {messages === 0 ? null : <Icon svg={message} />}
              <span class="visually-hidden">{marks.join(", ")}</span>
            </span>
          )}
        </span>
      </button>
    </li>
  );
}

function BoardTools({ board, line, lesson }: BoardPartProps): JSX.Element | null {
  const [writing, write] = useState(false);
  const onAir = lesson.state === "live" || lesson.state === "test_run";
  if (lesson.state === "ended") return null;
  const locked = lesson.locked === true;
  return (
    <div class="board-tools">
      <Button kind="quiet" icon={message} onClick={() => write(true)}>
        {t("org.message.all")}
      </Button>
      {onAir ? (
        <Button
          kind="quiet"
          pressed={locked}
          icon={locked ? lock : lockOpen}
          onClick={() => line.lead.lock(!locked)}
        >
          {locked ? t("org.unlock") : t("org.lock")}
        </Button>
      ) : null}
      <Charge board={board} line={line} />
      {writing ? (
        <Dialog
          title={t("org.message.all")}
          onClose={() => write(false)}
          actions={<Button onClick={() => write(false)}>{t("board.room.close")}</Button>}
        >
          <MessageWriter
            label={t("board.message.all")}
            t={t}
            onSend={async (text) => {
              const outcome = await line.lead.sendMessage(null, text);
              if (outcome.kind === "done") write(false);
              return outcome;
            }}
          />
        </Dialog>
      ) : null}
    </div>
  );
}

/** Which teacher's link holds the lesson; only worth a word when there are several. */
function Charge({ line }: { board: Board; line: LessonLine }): JSX.Element | null {
  const [open, show] = useState(false);
  const { charge } = line.lead.facts.value;
  if (charge === null || charge.hosts.length < 2) return null;
  const nameOf = (label: string | null): string => label ?? t("org.charge.nameless");
  const holder = charge.hosts.find(({ id }) => id === charge.in_charge);
  return (
    <>
      <Button kind="quiet" onClick={() => show(true)}>
        {t("org.charge")}
      </Button>
      {open ? (
        <Dialog
          title={t("org.charge.give")}
          onClose={() => show(false)}
          actions={<Button onClick={() => show(false)}>{t("common.cancel")}</Button>}
        >
          <p>
            {holder === undefined ? t("org.charge.all") : t("org.charge.one", { name: nameOf(holder.label) })}
          </p>
          <ul class="charge-list">
            {charge.hosts
              .filter(({ id }) => id !== charge.in_charge)
              .map(({ id, label }) => (
                <li key={id}>
                  <Button
                    onClick={() => {
                      line.lead.handOver(id);
                      show(false);
                    }}
                  >
                    {t("org.charge.give.to", { name: nameOf(label) })}
                  </Button>
                </li>
              ))}
          </ul>
        </Dialog>
      ) : null}
    </>
  );
}
