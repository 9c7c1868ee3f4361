// The message centre: threads with customers on the left, the one that is open on the right, the composer under it.
import { Button, NativeSelect } from "@mantine/core";
import { useEffect } from "react";
import { call } from "../../api/client";
import { onLive } from "../../api/live";
import type { Thread } from "../../api/schema.gen";
import { can, session } from "../../api/session";
import { number, t, words } from "../../i18n";
import { usePeople } from "../../ui/actors";
import { useCommands } from "../../ui/commands";
import { Composer } from "../../ui/composer";
import { usePagedList, type PagedList } from "../../ui/pages";
import { Blank, Loaded, ProblemNote, Shape, Time } from "../../ui/parts";
import { useResource } from "../../ui/resource";
import { Link, navigate, useAddress, withQuery } from "../../ui/router";
import { useActorName } from "../../ui/actors";
import { ROLES, rolePhrase } from "../../ui/roles";
import { Badge, orderWords, Status } from "../../ui/Status";
import { useStore } from "../../ui/store";
import { w } from "../../ui/words";

const p = words({
    title: ["Messages", "訊息"],
    open: ["Open", "處理中"],
    unread: ["Unread", "未讀"],
    mine: ["Mine", "我的"],
    unassigned: ["Nobody's", "未指派"],
    closed: ["Closed", "已結案"],
    assignee: ["Assigned to", "指派給"],
    nobody: ["Nobody", "無"],
    markUnread: ["Mark as unread", "標為未讀"],
    close: ["Close", "結案"],
    reopen: ["Open again", "重新開啟"],
    empty: ["No messages here", "沒有訊息"],
    emptyHint: ["What customers write on the page of their order arrives here.", "顧客在訂單頁面的留言會出現在此。"],
    choose: ["Choose a thread", "請選擇對話"],
    chooseHint: ["j and k move, Enter opens.", "以 j、k 移動,Enter 開啟。"],
    find: ["Find in messages", "搜尋訊息"],
    unreadCount: ["{count} unread", "{count} 則未讀"],
    threads: ["Threads", "對話"],
});
type Tab = "open" | "unread" | "mine" | "unassigned" | "closed";

export default function MessagesPage() {
    const { query } = useAddress();
    const me = useStore(session)?.user;
    const tab = (query.get("tab") ?? "open") as Tab, search = query.get("q") ?? "", chosen = query.get("order");
    const actor = `person:${me?.id ?? ""}`;
    const list = usePagedList<Thread>(
        `threads?${tab}&${search}`,
        (thread) => thread.order_id ?? "",
        (cursor, limit) =>
            call("GET /v1/threads", {
                cursor: cursor ?? undefined, limit, q: search || undefined,
                unread: tab === "unread" ? true : undefined, status: tab === "closed" ? "closed" : "open",
                assignee: tab === "mine" ? actor : tab === "unassigned" ? "none" : undefined,
            }),
    );
    const counts = useResource("threads/counts", (signal) => call("GET /v1/threads/counts", {}, { signal }));
    useEffect(() => {
        let timer: ReturnType<typeof setTimeout> | undefined;
        const stop = onLive((event) => {
            if (event.type === "MessagePosted" || event.type === "ThreadChanged")
                timer ??= setTimeout(() => {
                    timer = undefined;
                    void list.reload();
                    counts.reload();
                }, 300);
        });
        return () => {
            stop();
            clearTimeout(timer);
        };
    }, [list, counts.reload]);
    const choose = (order: string) => navigate(withQuery("/messages", query, { order }), { replace: chosen !== null });
    const move = (by: number) => {
        const from = chosen === null ? -1 : list.rows.findIndex((row) => row.order_number === chosen);
        const next = list.rows[Math.max(0, Math.min(list.rows.length - 1, from + by))];
        if (next?.order_number) choose(next.order_number);
    };
    useCommands([{ label: w.moveDown, keys: "j", run: () => move(1), keyOnly: true }, { label: w.moveUp, keys: "k", run: () => move(-1), keyOnly: true }]);
    const figures = { open: counts.data?.open_threads, unread: counts.data?.unread_threads, unassigned: counts.data?.unassigned_threads };
    return (
        <div className="list-page">
            <div className="bar">
                <h1>{t(p.title)}</h1>
                <nav className="views" aria-label={t(p.threads)}>
                    {(["open", "unread", "mine", "unassigned", "closed"] as const).map((one) => (
                        <Link key={one} href={withQuery("/messages", query, { tab: one === "open" ? null : one, order: null })} aria-current={tab === one ? "page" : undefined}>
                            {t(p[one])}
                            {one in figures && figures[one as "open"] ? <span className="count">{number(figures[one as "open"] ?? 0)}</span> : null}
                        </Link>
                    ))}
                </nav>
                <form
                    key={search}
                    onSubmit={(event) => {
                        event.preventDefault();
                        navigate(withQuery("/messages", query, { q: String(new FormData(event.currentTarget).get("q") ?? "").trim() || null }), { replace: true });
                    }}
                >
                    <input className="filter-input" type="search" name="q" aria-label={t(p.find)} placeholder={t(p.find)} defaultValue={search} autoComplete="off" />
                </form>
            </div>
            <div className="beside centre">
                <Threads list={list} chosen={chosen} choose={choose} />
                {chosen ? <One key={chosen} order={chosen} changed={() => void list.reload()} /> : <Blank title={t(p.choose)} hint={t(p.chooseHint)} />}
            </div>
        </div>
    );
}

function Threads({ list, chosen, choose }: { list: PagedList<Thread>; chosen: string | null; choose: (order: string) => void }) {
    if (!list.isStarted) return list.problem ? <ProblemNote problem={list.problem} retry={() => list.retry()} /> : <Shape rows={8} isSlow={list.isSlow} />;
    if (list.rows.length === 0) return <Blank title={t(p.empty)} hint={t(p.emptyHint)} />;
    return (
        <ul className="threads" aria-label={t(p.threads)}>
            {list.rows.map((thread) => (
                <li key={thread.order_id}>
                    <button type="button" aria-current={thread.order_number === chosen || undefined} onClick={() => choose(thread.order_number ?? "")}>
                        <span className={thread.unread > 0 ? "strong" : undefined}>{thread.customer_name ?? thread.order_number}</span>
                        <span className="fine">
                            <Time at={thread.last_message?.created_at} />
                        </span>
                        <span className="said fine">
                            {thread.last_message?.direction === "staff" && "↩ "}
                            {thread.last_message?.body}
                        </span>
                        <span className="fine">
                            {thread.order_number} {thread.unread > 0 && <Badge tone="waiting">{t(p.unreadCount, { count: thread.unread })}</Badge>}
                        </span>
                    </button>
                </li>
            ))}
            {!list.isWhole && (
                <li>
                    <button type="button" className="quiet" onClick={() => void list.more()}>
                        {t(w.more)}
                    </button>
                </li>
            )}
        </ul>
    );
}

function One({ order, changed }: { order: string; changed: () => void }) {
    const mayWrite = can("messages:write");
    const thread = useResource(`thread/${order}`, (signal) => call("GET /v1/orders/{order}/thread", { order }, { signal }));
    const said = useResource(`said/${order}`, (signal) => call("GET /v1/orders/{id}/messages", { id: order, limit: 200 }, { signal }));
    const nameOf = useActorName();
    const id = thread.data?.order_id, unread = thread.data?.unread ?? 0;
    useEffect(() => {
        if (!id) return;
        return onLive((event) => {
            if (event.key === id && event.type === "MessagePosted") {
                said.reload();
                thread.reload();
            }
        });
    }, [id, said.reload, thread.reload]);
    useEffect(() => {
        // What is open is read.
        if (unread > 0 && mayWrite)
            void call("POST /v1/orders/{order}/thread/read", { order }).then((read) => {
                thread.put(read);
                changed();
            });
    }, [unread, order]);
    const set = (answer: Promise<Thread>) => void answer.then((after) => (thread.put(after), changed()));
    useCommands(mayWrite && thread.data ? [{ label: p.markUnread, keys: "u", run: () => set(call("POST /v1/orders/{order}/thread/unread", { order })) }] : []);
    return (
        <section className="thread" aria-label={order}>
            <Loaded from={thread} rows={2}>
                {(found) => (
                    <header>
                        <h2>
                            {found.customer_name} · <Link href={`/orders/${found.order_number}`}>{found.order_number}</Link>
                        </h2>
                        <Status of={orderWords} is={found.order_status} />
                        <span className="fine">{found.channel}</span>
                        <span className="grow" />
                        {mayWrite && (
                            <>
                                <Assignee thread={found} set={set} />
                                <Button variant="default" onClick={() => set(found.status === "closed" ? call("POST /v1/orders/{order}/thread/reopen", { order }) : call("POST /v1/orders/{order}/thread/close", { order }))}>
                                    {t(found.status === "closed" ? p.reopen : p.close)}
                                </Button>
                            </>
                        )}
                    </header>
                )}
            </Loaded>
            <div className="said-list" tabIndex={0} role="log" aria-label={t(p.title)}>
                <Loaded from={said} rows={4}>
                    {({ data }) => (
                        <>
                            {data.map((one) => (
                                <div key={one.id} className={`bubble ${one.direction ?? ""}`}>
                                    <p>{one.body}</p>
                                    <span className="fine">
                                        {one.direction === "staff" ? nameOf(one.author) : thread.data?.customer_name} · <Time at={one.created_at} />
                                    </span>
                                </div>
                            ))}
                        </>
                    )}
                </Loaded>
            </div>
            <Composer
                order={order}
                start="message"
                done={() => {
                    said.reload();
                    changed();
                }}
            />
        </section>
    );
}
function Assignee({ thread, set }: { thread: Thread; set: (answer: Promise<Thread>) => void }) {
    const people = usePeople();
    const data = [
        { value: "", label: `${t(p.assignee)}: ${t(p.nobody)}` },
        ...[...people].map(([value, label]) => ({ value, label })),
        ...ROLES.map((role) => ({ value: `role:${role}`, label: t(rolePhrase(role)) })),
    ];
    return <NativeSelect aria-label={t(p.assignee)} value={thread.assignee ?? ""} data={data} onChange={(event) => set(call("POST /v1/orders/{order}/thread/assign", { order: thread.order_id ?? "", assignee: event.currentTarget.value }))} />;
}
