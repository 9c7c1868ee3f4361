// What happened, newest first, each with its actor.
import { call } from "../../api/client";
import type { Order, TimelineEntry } from "../../api/schema.gen";
import { t } from "../../i18n";
import { Loaded, Panel, Time } from "../../ui/parts";
import { useResource } from "../../ui/resource";
import { p } from "./words";

const MOST = 1000;
export function Timeline({ order }: { order: Order }) {
    const timeline = useResource(`timeline/${order.id}/${order.version}`, async (signal) => {
        const found: TimelineEntry[] = [];
        for (let cursor: string | undefined; found.length < MOST; ) {
            const page = await call("GET /v1/orders/{id}/timeline", { id: order.id, cursor, limit: 200 }, { signal });
            found.push(...page.data);
            if (!page.next_cursor) break;
            cursor = page.next_cursor;
        }
        return found.reverse();
    });
    return (
        <Panel title={t(p.timeline)}>
            <Loaded from={timeline} rows={4}>
                {(entries) => (
                    <ol className="timeline">
                        {entries.map((entry) => (
                            <li key={`${entry.source}/${entry.position}`}>
                                <Time at={entry.occurred_at} />
                                <span>{entry.summary}</span>
                                <span className="actor">{entry.actor}</span>
                            </li>
                        ))}
                    </ol>
                )}
            </Loaded>
        </Panel>
    );
}
