// What happened, what was written to and by the customer, and our own notes, newest first, each with its actor.
import type { ReactNode } from "react";
import { call } from "../../api/client";
import type { Order } from "../../api/schema.gen";
import { can } from "../../api/session";
import { t } from "../../i18n";
import { useActorName } from "../../ui/actors";
import { Composer } from "../../ui/composer";
import { Loaded, Panel, Time } from "../../ui/parts";
import { useResource } from "../../ui/resource";
import { Badge } from "../../ui/Status";
import { p } from "./words";

const MOST = 1000;
interface Entry {
    key: string;
    at: string;
    actor: string | null;
    kind: "event" | "note" | "message";
    text: ReactNode;
}
/** Every page of a list, up to a limit. */
async function whole<Row>(load: (cursor: string | undefined) => Promise<{ data: Row[]; next_cursor: string | null }>): Promise<Row[]> {
    const found: Row[] = [];
    for (let cursor: string | undefined; found.length < MOST; ) {
        const page = await load(cursor);
        found.push(...page.data);
        if (!page.next_cursor) break;
        cursor = page.next_cursor;
    }
    return found;
}
async function read(id: string, signal: AbortSignal): Promise<Entry[]> {
    const [events, notes, messages] = await Promise.all([
        whole((cursor) => call("GET /v1/orders/{id}/timeline", { id, cursor, limit: 200 }, { signal })),
        whole((cursor) => call("GET /v1/orders/{order}/notes", { order: id, cursor, limit: 200 }, { signal })),
        can("messages:read") ? whole((cursor) => call("GET /v1/orders/{id}/messages", { id, cursor, limit: 200 }, { signal })) : [],
    ]);
    return [
        // What is written stands here itself, and not also as the event that it was written.
        ...events.filter((one) => !/^(note_added|message_posted)$/.test(one.type ?? "")).map((one): Entry => ({ key: `${one.source}/${one.position}`, at: one.occurred_at ?? "", actor: one.actor, kind: "event", text: one.summary })),
        ...notes.map((one): Entry => ({ key: one.id, at: one.created_at ?? "", actor: one.author, kind: "note", text: one.body })),
        ...messages.map((one): Entry => ({ key: one.id, at: one.created_at ?? "", actor: one.author, kind: "message", text: one.body })),
    ].sort((a, b) => b.at.localeCompare(a.at));
}

export function Timeline({ order }: { order: Order }) {
    const timeline = useResource(`timeline/${order.id}/${order.version}`, (signal) => read(order.id, signal));
    const nameOf = useActorName();
    return (
        <Panel title={t(p.timeline)}>
            <Composer order={order.id} done={timeline.reload} />
            <Loaded from={timeline} rows={4}>
                {(entries) => (
                    <ol className="timeline">
                        {entries.map((entry) => (
                            <li key={entry.key} className={entry.kind}>
                                <Time at={entry.at} />
                                <span className="text">
                                    {entry.kind !== "event" && <Badge tone={entry.kind === "note" ? "neutral" : "active"}>{t(entry.kind === "note" ? p.noteWord : p.messageWord)}</Badge>} {entry.text}
                                </span>
                                <span className="actor">{nameOf(entry.actor)}</span>
                            </li>
                        ))}
                    </ol>
                )}
            </Loaded>
        </Panel>
    );
}
