// A list that is read page by page with a key cursor, and keeps its rows, its place and its news while the reader is
// elsewhere: Back returns to the same row.
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { Problem } from "../api/client";

export interface PageOf<Row> {
    data: Row[];
    next_cursor: string | null;
}
export type LoadPage<Row> = (cursor: string | null, limit: number) => Promise<PageOf<Row>>;

const PAGE = 100;
const FRESH_MS = 10_000;
const MARKED_MS = 4000;

export class PagedList<Row> {
    rows: Row[] = [];
    problem: Problem | null = null;
    isLoading = false;
    isSlow = false;
    isStarted = false;
    loadedAt = 0;
    /** How many rows stand above the first that is shown, waiting to be asked for. */
    waiting = 0;
    /** Keys of rows that have just changed, to be marked for a moment. */
    marked = new Set<string>();
    /** Where the reader was. */
    scrollTop = 0;
    active: string | null = null;
    selected = new Set<string>();

    private cursor: string | null = null;
    private turn = 0;
    private version = 0;
    private places = new Map<string, number>();
    private listeners = new Set<() => void>();

    constructor(
        private readonly load: LoadPage<Row>,
        readonly keyOf: (row: Row) => string,
    ) {}

    subscribe = (listener: () => void) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    };
    snapshot = () => this.version;
    private changed() {
        this.version++;
        for (const listener of [...this.listeners]) listener();
    }
    get isWhole() {
        return this.isStarted && this.cursor === null;
    }
    has(key: string) {
        return this.places.has(key);
    }
    row(key: string): Row | undefined {
        const place = this.places.get(key);
        return place === undefined ? undefined : this.rows[place];
    }
    place(key: string) {
        return this.places.get(key) ?? -1;
    }
    select(keys: Iterable<string>) {
        this.selected = new Set(keys);
        this.changed();
    }
    activate(key: string | null) {
        if (this.active === key) return;
        this.active = key;
        this.changed();
    }

    /** Reads from the top; what is shown stays until the answer is there. */
    async reload() {
        const turn = ++this.turn;
        this.isLoading = true;
        this.problem = null;
        const slow = setTimeout(() => this.turn === turn && ((this.isSlow = true), this.changed()), 1000);
        this.changed();
        try {
            const page = await this.load(null, PAGE);
            if (turn !== this.turn) return;
            this.rows = page.data;
            this.places = new Map(this.rows.map((row, i) => [this.keyOf(row), i]));
            this.cursor = page.next_cursor;
            this.waiting = 0;
            this.isStarted = true;
            this.loadedAt = Date.now();
            this.selected = new Set([...this.selected].filter((key) => this.places.has(key)));
        } catch (error) {
            if (turn === this.turn) this.problem = asProblem(error);
        } finally {
            clearTimeout(slow);
            if (turn === this.turn) {
                this.isLoading = this.isSlow = false;
                this.changed();
            }
        }
    }
    async more() {
        if (this.isLoading || this.isWhole || !this.isStarted || this.problem) return;
        const turn = this.turn;
        this.isLoading = true;
        this.changed();
        try {
            const page = await this.load(this.cursor, PAGE);
            if (turn !== this.turn) return;
            const fresh = page.data.filter((row) => !this.places.has(this.keyOf(row)));
            this.rows = [...this.rows, ...fresh];
            for (const [i, row] of this.rows.entries()) this.places.set(this.keyOf(row), i);
            this.cursor = page.next_cursor;
        } catch (error) {
            if (turn === this.turn) this.problem = asProblem(error);
        } finally {
            if (turn === this.turn) {
                this.isLoading = false;
                this.changed();
            }
        }
    }
    retry() {
        this.problem = null;
        if (this.isStarted && this.rows.length > 0) void this.more();
        else void this.reload();
    }
    /** A row that is shown is another now: in its place, and marked. */
    patch(row: Row, mark = true) {
        const key = this.keyOf(row), place = this.places.get(key);
        if (place === undefined) return;
        this.rows = this.rows.with(place, row);
        if (mark) {
            this.marked.add(key);
            setTimeout(() => {
                this.marked.delete(key);
                this.changed();
            }, MARKED_MS);
        }
        this.changed();
    }
    /** Counts what stands above the first row that is shown. */
    async look() {
        if (!this.isStarted || this.isLoading) return;
        const turn = this.turn;
        try {
            const page = await this.load(null, 50);
            if (turn !== this.turn) return;
            const known = page.data.findIndex((row) => this.places.has(this.keyOf(row)));
            const waiting = known === -1 ? page.data.length : known;
            if (waiting !== this.waiting) {
                this.waiting = waiting;
                this.changed();
            }
        } catch {
            // The next look tells.
        }
    }
    get isFresh() {
        return Date.now() - this.loadedAt < FRESH_MS;
    }
}
function asProblem(error: unknown): Problem {
    return error instanceof Problem ? error : new Problem(0, "broken", String(error), null, null);
}

const KEPT = 12;
const lists = new Map<string, PagedList<unknown>>();
export function forgetLists() {
    lists.clear();
}
/** The list of a key ("orders?status=pending"), kept while the reader is elsewhere. */
export function usePagedList<Row>(key: string, keyOf: (row: Row) => string, load: LoadPage<Row>): PagedList<Row> {
    const list = useMemo(() => {
        const found = (lists.get(key) as PagedList<Row> | undefined) ?? new PagedList<Row>(load, keyOf);
        lists.delete(key);
        lists.set(key, found as PagedList<unknown>);
        for (const oldest of lists.keys()) {
            if (lists.size <= KEPT) break;
            lists.delete(oldest);
        }
        return found;
        // The key says all that the loader depends on.
    }, [key]);
    useSyncExternalStore(list.subscribe, list.snapshot);
    useEffect(() => {
        if (!list.isStarted && !list.isLoading) void list.reload();
        else if (!list.isFresh) void list.look();
    }, [list]);
    return list;
}
