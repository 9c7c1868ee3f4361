// The order list: views and filters in the URL, a row for each order that changes in its place, a preview beside it,
// and a bar for what is selected.
import { Button } from "@mantine/core";
import { lazy, Suspense, useEffect, useState } from "react";
import { call } from "../../api/client";
import { onLive } from "../../api/live";
import type { Order } from "../../api/schema.gen";
import { can } from "../../api/session";
import { t } from "../../i18n";
import { BulkHost } from "../../ui/bulk";
import { useCommands, type Command } from "../../ui/commands";
import { usePagedList, type PagedList } from "../../ui/pages";
import { Blank } from "../../ui/parts";
import { navigate, useAddress } from "../../ui/router";
import { useStore } from "../../ui/store";
import { density, Table } from "../../ui/Table";
import { w } from "../../ui/words";
import { cancelMany, confirmMany, holdMany, releaseMany, tagMany, untagMany, type Many } from "./actions";
import { hiddenColumns, orderColumns } from "./columns";
import { addressOf, tokenLabel, tokensOf } from "./filters";
import { Preview } from "./preview";
import { Views } from "./views";
import { o } from "./words";

const Menus = lazy(() => import("./menus"));
export default function OrdersPage() {
    const { query } = useAddress();
    const search = (query.get("q") ?? "").trim();
    const [isStale, setStale] = useState(false);
    const list = usePagedList<Order>(
        `orders?${search}`,
        (order) => order.id,
        async (cursor, limit) => {
            const page = await call("GET /v1/orders", { q: search || undefined, cursor: cursor ?? undefined, limit });
            setStale(page.stale);
            return page;
        },
    );
    // Everything that matches, also what is not loaded: until the query or the selection is another.
    const [isAll, setAll] = useState(false);
    useEffect(() => setAll(false), [list, list.selected]);
    useLiveRows(list);
    const [isPreviewed, setPreviewed] = useState(false);
    const hidden = useStore(hiddenColumns);
    const currencies = new Set(list.rows.map((order) => order.currency));
    const columns = orderColumns(currencies.size === 1 ? ([...currencies][0] ?? null) : null);
    const active = list.active === null ? undefined : list.row(list.active);
    const chosen = list.selected.size > 0 ? list.rows.filter((order) => list.selected.has(order.id)) : active ? [active] : [];
    const many: Many = { orders: chosen, query: isAll ? search : null, changed: (order) => list.patch(order), select: (ids) => list.select(ids) };
    const verbs: Command[] = can("orders:write")
        ? [
              { label: o.confirm, keys: "c", run: () => confirmMany(many) },
              { label: o.hold, keys: "h", run: () => holdMany(many) },
              { label: o.release, run: () => releaseMany(many) },
              { label: o.tagVerb, keys: "t", run: () => tagMany(many) },
              { label: o.untagVerb, run: () => untagMany(many) },
              { label: o.cancel, run: () => cancelMany(many) },
          ]
        : [];
    useCommands(verbs, chosen.length > 0);
    useCommands([{ label: w.reload, keys: "r", run: () => void list.reload() }]);
    useCommands([{ label: o.clear, keys: "Escape", run: () => (isPreviewed ? setPreviewed(false) : list.select([])), keyOnly: true }], isPreviewed || list.selected.size > 0);

    return (
        <div className="list-page">
            <h1 className="hidden">{t(o.title)}</h1>
            <div className="bar">
                <Views query={search} />
                {list.waiting > 0 && (
                    <Button variant="light" onClick={() => void list.reload()}>
                        {t(w.newRows, { count: list.waiting >= 50 ? "50+" : list.waiting })} ↑
                    </Button>
                )}
                <span className="grow" />
                {can("orders:write") && <Button onClick={() => navigate("/new-order")}>{t(o.fresh)}</Button>}
                <Tools query={search} />
            </div>
            <Chips query={search} />
            {isStale && <p className="note tone-waiting">{t(o.lagging)}</p>}
            <div className="beside">
                <Table
                    key={search}
                    list={list}
                    columns={columns.filter((column) => !hidden.includes(column.id))}
                    label={t(o.title)}
                    nameOf={(order) => order.number}
                    open={(order) => navigate(`/orders/${order.number}`)}
                    preview={() => setPreviewed(!isPreviewed)}
                    canSelect
                    empty={<Empty hasFilters={search !== ""} />}
                    rowClass={(order) => (order.status === "cancelled" || order.status === "expired" ? "over" : undefined)}
                />
                {isPreviewed && active && <Preview order={active} changed={many.changed} close={() => setPreviewed(false)} />}
            </div>
            {list.selected.size > 0 && (
                <div className="bulk-bar" role="region" aria-label={t(o.selected, { count: list.selected.size })}>
                    <b>{isAll ? t(o.allMatching) : t(o.selected, { count: list.selected.size })}</b>
                    {!isAll && list.selected.size === list.rows.length && !list.isWhole && (
                        <button type="button" className="quiet" onClick={() => setAll(true)}>
                            {t(o.allMatch)}
                        </button>
                    )}
                    <button type="button" className="quiet" onClick={() => list.select([])}>
                        {t(o.clear)}
                    </button>
                    <span className="grow" />
                    {verbs.map((verb) => (
                        <Button key={verb.label[0]} variant="default" onClick={verb.run}>
                            {t(verb.label)}
                        </Button>
                    ))}
                </div>
            )}
            <BulkHost />
        </div>
    );
}

/** The buttons are there at once; what they open is fetched when the first is used. */
function Tools({ query }: { query: string }) {
    const [wanted, setWanted] = useState<"filter" | "columns" | null>(null);
    const rows = useStore(density);
    useCommands([{ label: o.filter, keys: "f", run: () => setWanted("filter") }], wanted === null);
    const faces = (
        <>
            <Button variant="default" aria-haspopup="dialog" onClick={() => setWanted("filter")}>
                {t(o.filter)}
            </Button>
            <Button variant="default" aria-haspopup="menu" onClick={() => setWanted("columns")}>
                {t(w.columns)}
            </Button>
        </>
    );
    return (
        <>
            {wanted === null ? (
                faces
            ) : (
                <Suspense fallback={faces}>
                    <Menus query={query} first={wanted} />
                </Suspense>
            )}
            <Button variant="default" onClick={() => density.set(rows === "dense" ? "roomy" : "dense")} title={t(w.density)}>
                {t(rows === "dense" ? w.roomy : w.dense)}
            </Button>
        </>
    );
}

/** Rows that are shown follow the events of their orders; orders from above wait until asked for. */
function useLiveRows(list: PagedList<Order>) {
    useEffect(() => {
        const dirty = new Set<string>();
        let isNew = false, timer: ReturnType<typeof setTimeout> | undefined;
        const work = async () => {
            timer = undefined;
            const keys = [...dirty].slice(0, 50);
            dirty.clear();
            if (isNew) void list.look();
            isNew = false;
            for (const id of keys) {
                try {
                    list.patch(await call("GET /v1/orders/{id}", { id }));
                } catch {
                    // The next event, or the next reading, tells.
                }
            }
        };
        const stop = onLive(
            (event) => {
                if (list.has(event.key)) dirty.add(event.key);
                else if (event.type === "OrderPlaced") isNew = true;
                else return;
                // Gathered: a burst of events is one look.
                timer ??= setTimeout(() => void work(), isNew ? 1000 : 200);
            },
            () => void list.look(),
        );
        return () => {
            stop();
            clearTimeout(timer);
        };
    }, [list]);
}

function Empty({ hasFilters }: { hasFilters: boolean }) {
    return hasFilters ? (
        <Blank title={t(o.noneFit)} hint={t(o.noneFitHint)}>
            <Button variant="default" onClick={() => navigate("/orders")}>
                {t(w.clearFilters)}
            </Button>
        </Blank>
    ) : (
        <Blank title={t(o.empty)} hint={t(o.emptyHint)}>
            {can("settings:read") && <Button onClick={() => navigate("/settings/channels")}>{t(o.connect)}</Button>}
        </Blank>
    );
}

function Chips({ query }: { query: string }) {
    const tokens = tokensOf(query);
    if (tokens.length === 0) return null;
    return (
        <div className="chips">
            {tokens.map((token, i) => {
                const [name, value, isNot] = tokenLabel(token);
                const label = `${isNot ? "− " : ""}${t(name ?? o.words)}: ${t(value)}`;
                return (
                    <span key={token} className="chip">
                        {label}
                        <button type="button" aria-label={t(w.removeFilter, { name: label })} onClick={() => navigate(addressOf(tokens.toSpliced(i, 1).join(" ")))}>
                            ×
                        </button>
                    </span>
                );
            })}
            <button type="button" className="quiet" onClick={() => navigate("/orders")}>
                {t(w.clearFilters)}
            </button>
        </div>
    );
}
