// A table over a paged list: only the rows in sight are in the document, the head stays, the next page is read before
// the end is reached. The list keeps which row is active, what is selected and where the reader was.
import { Checkbox } from "@mantine/core";
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { t, type Phrase } from "../i18n";
import { useCommands, type Command } from "./commands";
import type { PagedList } from "./pages";
import { ProblemNote, Shape } from "./parts";
import { keptStore, useStore } from "./store";
import { w } from "./words";

export interface Column<Row> {
    id: string;
    label: Phrase;
    /** Pixels, or a share of what is left ("1fr"). */
    width: number | `${number}fr`;
    isNumber?: boolean;
    /** Left out where the table is narrower than this. */
    from?: number;
    cell: (row: Row) => ReactNode;
    title?: (row: Row) => string | undefined;
    head?: ReactNode;
}
export const density = keptStore<"dense" | "roomy">("density", "dense");
const HEIGHTS = { dense: 36, roomy: 46 };
const OVERSCAN = 8;

export interface TableProps<Row> {
    list: PagedList<Row>;
    columns: readonly Column<Row>[];
    label: string;
    nameOf: (row: Row) => string;
    open?: (row: Row) => void;
    preview?: (row: Row) => void;
    canSelect?: boolean;
    empty: ReactNode;
    rowClass?: (row: Row) => string | undefined;
}

export function Table<Row>(props: TableProps<Row>) {
    const { list, label, canSelect, empty } = props;
    const height = HEIGHTS[useStore(density)];
    const frame = useRef<HTMLDivElement>(null);
    const [view, setView] = useState({ top: list.scrollTop, height: 800, width: 1200 });
    const columns = props.columns.filter((column) => !column.from || view.width >= column.from);

    const look = useCallback(() => {
        const at = frame.current;
        if (!at) return;
        list.scrollTop = at.scrollTop;
        setView({ top: at.scrollTop, height: at.clientHeight, width: at.clientWidth });
        if (at.scrollTop + at.clientHeight > list.rows.length * height - 30 * height) void list.more();
    }, [list, height]);
    useLayoutEffect(() => {
        const at = frame.current;
        if (!at) return;
        at.scrollTop = list.scrollTop;
        const watcher = new ResizeObserver(look);
        watcher.observe(at);
        look();
        return () => watcher.disconnect();
    }, [list, look, list.isStarted]);

    const first = Math.max(0, Math.floor(view.top / height) - OVERSCAN);
    const last = Math.min(list.rows.length, Math.ceil((view.top + view.height) / height) + OVERSCAN);
    const reveal = useCallback(
        (place: number) => {
            const at = frame.current;
            if (!at) return;
            const top = place * height, head = height;
            if (top < at.scrollTop) at.scrollTop = top;
            else if (top + height + head > at.scrollTop + at.clientHeight) at.scrollTop = top + height + head - at.clientHeight;
        },
        [height],
    );
    useTableCommands(props, reveal);

    if (!list.isStarted) return list.problem ? <ProblemNote problem={list.problem} retry={() => list.retry()} /> : <Shape rows={14} isSlow={list.isSlow} />;
    if (list.rows.length === 0) return <>{list.problem ? <ProblemNote problem={list.problem} retry={() => list.retry()} /> : empty}</>;

    const span = columns.length + (canSelect ? 1 : 0);
    const isAll = list.selected.size > 0 && list.selected.size === list.rows.length;
    return (
        <div className="table" ref={frame} onScroll={look} tabIndex={0} role="region" aria-label={label}>
            <table aria-rowcount={list.isWhole ? list.rows.length + 1 : -1}>
                <colgroup>
                    {canSelect && <col style={{ width: 34 }} />}
                    {columns.map((column) => (
                        <col key={column.id} style={{ width: widthOf(column, columns, view.width - (canSelect ? 34 : 0)) }} />
                    ))}
                </colgroup>
                <thead>
                    <tr aria-rowindex={1}>
                        {canSelect && (
                            <th scope="col">
                                <Checkbox aria-label={t(w.selectAll)} checked={isAll} indeterminate={!isAll && list.selected.size > 0} onChange={() => list.select(isAll ? [] : list.rows.map(list.keyOf))} />
                            </th>
                        )}
                        {columns.map((column) => (
                            <th key={column.id} scope="col" className={column.isNumber ? "num" : undefined}>
                                {column.head ?? t(column.label)}
                            </th>
                        ))}
                    </tr>
                </thead>
                <tbody>
                    {first > 0 && (
                        <tr aria-hidden className="gap">
                            <td colSpan={span} style={{ height: first * height }} />
                        </tr>
                    )}
                    {list.rows.slice(first, last).map((row, i) => (
                        <TableRow key={list.keyOf(row)} row={row} place={first + i} height={height} {...props} columns={columns} />
                    ))}
                    {last < list.rows.length && (
                        <tr aria-hidden className="gap">
                            <td colSpan={span} style={{ height: (list.rows.length - last) * height }} />
                        </tr>
                    )}
                </tbody>
            </table>
            <div className="foot">
                {list.problem ? (
                    <ProblemNote problem={list.problem} retry={() => list.retry()} />
                ) : list.isWhole ? (
                    <span>{t(w.end, { count: list.rows.length })}</span>
                ) : (
                    <span role="status">{t(w.loading)} …</span>
                )}
            </div>
        </div>
    );
}

function widthOf<Row>(column: Column<Row>, columns: readonly Column<Row>[], width: number): number {
    if (typeof column.width === "number") return column.width;
    const fixed = columns.reduce((sum, one) => sum + (typeof one.width === "number" ? one.width : 0), 0);
    const shares = columns.reduce((sum, one) => sum + (typeof one.width === "number" ? 0 : parseFloat(one.width)), 0);
    return Math.max(90, ((width - fixed) * parseFloat(column.width)) / shares);
}

function TableRow<Row>({ row, place, columns, height, list, nameOf, open, canSelect, rowClass }: TableProps<Row> & { row: Row; place: number; height: number }) {
    const key = list.keyOf(row);
    const isSelected = list.selected.has(key);
    const names = [list.active === key && "active", isSelected && "selected", list.marked.has(key) && "marked", rowClass?.(row)].filter(Boolean).join(" ");
    return (
        <tr
            aria-rowindex={place + 2}
            aria-selected={canSelect ? isSelected : undefined}
            className={names || undefined}
            style={{ height }}
            onClick={(event) => {
                list.activate(key);
                if (event.target instanceof Element && event.target.closest("a, button, input")) return;
                if (getSelection()?.toString()) return;
                if (event.shiftKey && canSelect) selectRange(list, key);
                else if ((event.ctrlKey || event.metaKey) && canSelect) toggle(list, key);
                else open?.(row);
            }}
        >
            {canSelect && (
                <td>
                    <Checkbox
                        aria-label={t(w.selectRow, { name: nameOf(row) })}
                        checked={isSelected}
                        onChange={() => undefined}
                        onClick={(event) => {
                            event.stopPropagation();
                            if (event.shiftKey) selectRange(list, key);
                            else toggle(list, key);
                            list.activate(key);
                        }}
                    />
                </td>
            )}
            {columns.map((column) => (
                <td key={column.id} className={column.isNumber ? "num" : undefined} title={column.title?.(row)}>
                    {column.cell(row)}
                </td>
            ))}
        </tr>
    );
}

function toggle<Row>(list: PagedList<Row>, key: string) {
    const next = new Set(list.selected);
    if (!next.delete(key)) next.add(key);
    list.select(next);
}
function selectRange<Row>(list: PagedList<Row>, key: string) {
    const to = list.place(key), from = list.active === null ? to : list.place(list.active);
    const keys = list.rows.slice(Math.min(from, to), Math.max(from, to) + 1).map(list.keyOf);
    list.select([...list.selected, ...keys]);
}

function useTableCommands<Row>({ list, open, preview, canSelect }: TableProps<Row>, reveal: (place: number) => void) {
    // Where a range starts: the last row that was selected by itself.
    const anchor = useRef<string | null>(null);
    const move = (by: number) => {
        const from = list.active === null ? -1 : list.place(list.active);
        const place = Math.min(list.rows.length - 1, Math.max(0, from + by));
        const row = list.rows[place];
        if (!row) return;
        list.activate(list.keyOf(row));
        reveal(place);
        if (place > list.rows.length - 30) void list.more();
    };
    const withActive = (run: (row: Row, key: string) => void) => () => {
        const row = list.active === null ? undefined : list.row(list.active);
        if (row) run(row, list.keyOf(row));
    };
    const offered: Command[] = [
        { label: w.moveDown, keys: "j", run: () => move(1), keyOnly: true },
        { label: w.moveUp, keys: "k", run: () => move(-1), keyOnly: true },
        { label: w.moveDown, keys: "ArrowDown", run: () => move(1), keyOnly: true },
        { label: w.moveUp, keys: "ArrowUp", run: () => move(-1), keyOnly: true },
    ];
    if (open) offered.push({ label: w.open, keys: "Enter", run: withActive(open), keyOnly: true });
    if (preview) offered.push({ label: w.preview, keys: "Space", run: withActive(preview), keyOnly: true });
    if (canSelect)
        offered.push(
            {
                label: w.pick, keys: "x", keyOnly: true,
                run: withActive((_, key) => {
                    anchor.current = key;
                    toggle(list, key);
                }),
            },
            {
                label: w.pickRange, keys: "Shift+x", keyOnly: true,
                run: withActive((_, key) => {
                    const to = list.place(key), from = anchor.current === null ? to : list.place(anchor.current);
                    list.select([...list.selected, ...list.rows.slice(Math.min(from, to), Math.max(from, to) + 1).map(list.keyOf)]);
                }),
            },
            { label: w.pickAll, keys: "a", run: () => list.select(list.selected.size === list.rows.length ? [] : list.rows.map(list.keyOf)), keyOnly: true },
        );
    useCommands(offered, list.rows.length > 0);

    // The active row comes back into sight when the page does.
    useEffect(() => {
        if (list.active !== null && list.isStarted) reveal(Math.max(0, list.place(list.active)));
    }, [list, list.isStarted]);
}
