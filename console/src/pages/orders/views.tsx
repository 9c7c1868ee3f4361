// Views of the list: those that everybody has, then one's own and the shared ones with how many orders each has now.
import { useEffect } from "react";
import { call } from "../../api/client";
import { onLive } from "../../api/live";
import type { View } from "../../api/schema.gen";
import { asIs, number, t, words, type Phrase } from "../../i18n";
import { act } from "../../ui/action";
import { useCommands } from "../../ui/commands";
import { useResource } from "../../ui/resource";
import { Link, navigate } from "../../ui/router";
import { addressOf } from "./filters";
import { o } from "./words";

const p = words({
    save: ["Save as a view", "儲存檢視"],
    savePreview: ["The filter “{query}” gets a name and a place here, with how many orders it has.", "篩選條件「{query}」將以名稱顯示於此,並附訂單數。"],
    name: ["Name", "名稱"],
    shared: ["Everybody sees it", "與所有人共用"],
    saved: ["The view {name} is saved.", "檢視「{name}」已儲存。"],
    remove: ["Delete the view", "刪除檢視"],
    removePreview: ["Only the view is deleted; its orders stay as they are.", "只刪除檢視,訂單不受影響。"],
    removed: ["The view {name} is deleted.", "檢視「{name}」已刪除。"],
});
export const FIXED: readonly { label: Phrase; query: string }[] = [
    { label: o.viewAll, query: "" },
    { label: o.viewPending, query: "status:pending" },
    { label: o.viewShip, query: "status:confirmed fulfillment:unfulfilled" },
    { label: o.viewHeld, query: "hold:any" },
    { label: o.viewUnpaid, query: "payment:unpaid,partially_paid" },
];

export function Views({ query }: { query: string }) {
    const views = useResource("views", (signal) => call("GET /v1/views", { limit: 200 }, { signal }));
    const counts = useResource(views.data && views.data.data.length > 0 ? "views/counts" : null, (signal) => call("GET /v1/views/counts", {}, { signal }));
    useEffect(() => {
        if (!views.data?.data.length) return;
        // Orders come and go all the time: counted anew at most every ten seconds.
        let timer: ReturnType<typeof setTimeout> | undefined;
        const stop = onLive((event) => {
            if (event.service === "orders") timer ??= setTimeout(() => ((timer = undefined), counts.reload()), 10_000);
        });
        return () => {
            stop();
            clearTimeout(timer);
        };
    }, [views.data, counts.reload]);
    const all = views.data?.data ?? [];
    const mine = all.find((view) => view.query === query && view.is_mine);
    const isKnown = query === "" || FIXED.some((view) => view.query === query) || all.some((view) => view.query === query);
    useCommands([
        ...(!isKnown ? [{ label: p.save, run: () => save(query, views.reload) }] : []),
        ...(mine ? [{ label: p.remove, run: () => remove(mine, views.reload) }] : []),
        ...all.map((view) => ({ label: asIs(view.name ?? ""), run: () => navigate(addressOf(view.query ?? "")) })),
    ]);
    return (
        <nav className="views" aria-label={t(o.views)}>
            {FIXED.map((view) => (
                <Link key={view.query} href={addressOf(view.query)} aria-current={view.query === query ? "page" : undefined}>
                    {t(view.label)}
                </Link>
            ))}
            {all.map((view) => {
                const count = counts.data?.counts.find((one) => one.id === view.id);
                return (
                    <Link key={view.id} href={addressOf(view.query ?? "")} aria-current={view.query === query ? "page" : undefined} title={view.query ?? undefined}>
                        {view.name}
                        {count && <span className="count">{`${number(count.count)}${count.has_more ? "+" : ""}`}</span>}
                    </Link>
                );
            })}
            {!isKnown && (
                <button type="button" className="quiet" onClick={() => save(query, views.reload)}>
                    + {t(p.save)}
                </button>
            )}
            {mine && (
                <button type="button" className="quiet" onClick={() => remove(mine, views.reload)}>
                    {t(p.remove)}
                </button>
            )}
        </nav>
    );
}
function save(query: string, changed: () => void) {
    act({
        title: t(p.save),
        preview: <p>{t(p.savePreview, { query })}</p>,
        fields: [{ name: "name", label: p.name }, { name: "shared", label: p.shared, kind: "switch" }],
        verb: t(p.save),
        run: async (values, key) => {
            await call("POST /v1/views", { name: values.name, query, is_shared: values.shared === "yes" }, { key });
            changed();
            return t(p.saved, { name: values.name ?? "" });
        },
    });
}
function remove(view: View, changed: () => void) {
    act({
        title: `${t(p.remove)} · ${view.name}`,
        preview: <p>{t(p.removePreview)}</p>,
        verb: t(p.remove),
        isGrave: true,
        run: async () => {
            await call("DELETE /v1/views/{id}", { id: view.id });
            changed();
            navigate("/orders");
            return t(p.removed, { name: view.name ?? "" });
        },
    });
}
