// Telephone numbers, e-mails and addresses that are not trusted; what happens to their orders is a rule's to say.
import { Button } from "@mantine/core";
import { call } from "../../api/client";
import type { BlacklistEntry, BlacklistKind } from "../../api/schema.gen";
import { can } from "../../api/session";
import { t, words, type Phrase } from "../../i18n";
import { act } from "../../ui/action";
import { List } from "../../ui/List";
import type { PagedList } from "../../ui/pages";
import { Time } from "../../ui/parts";
import { w } from "../../ui/words";

const p = words({
    title: ["Blacklist", "黑名單"],
    kind: ["Kind", "類型"],
    value: ["Who", "內容"],
    added: ["Since", "加入"],
    add: ["Add", "新增"],
    preview: ["Rules that ask for it find the orders of this number or address from now on.", "之後的訂單若符合,將由使用黑名單的規則處理。"],
    saved: ["{value} is on the list.", "已加入「{value}」。"],
    remove: ["Take off", "移除"],
    removeTitle: ["Take {value} off the list", "將「{value}」移出黑名單"],
    removePreview: ["Orders that were held stay held.", "已保留的訂單不受影響。"],
    removed: ["{value} is off the list.", "已移除「{value}」。"],
    empty: ["Nobody is on the list", "黑名單是空的"],
    emptyHint: ["Add a telephone number that did not collect its parcels, and a rule that asks for the list.", "可加入多次未取貨的電話,並以規則處理。"],
});
const kinds: Record<BlacklistKind, Phrase> = words({
    phone: ["Telephone", "電話"],
    email: ["E-mail", "電子郵件"],
    address: ["Address", "地址"],
});

export default function BlacklistPage() {
    const mayWrite = can("orders:write");
    return (
        <List<BlacklistEntry>
            path="/settings/blacklist"
            title={p.title}
            keyOf={(one) => one.id}
            nameOf={(one) => one.value ?? ""}
            load={() => (cursor, limit) => call("GET /v1/blacklist", { cursor: cursor ?? undefined, limit })}
            columns={(list) => [
                { id: "kind", label: p.kind, width: 110, cell: (one) => one.kind && t(kinds[one.kind]) },
                { id: "value", label: p.value, width: "1fr", cell: (one) => one.value },
                { id: "reason", label: w.reason, width: "1fr", cell: (one) => one.reason },
                { id: "added", label: p.added, width: 110, cell: (one) => <Time at={one.added_at} /> },
                {
                    id: "action", label: p.remove, width: 100, head: <span className="hidden">{t(p.remove)}</span>,
                    cell: (one) =>
                        mayWrite && (
                            <Button size="compact-xs" variant="default" onClick={() => remove(one, list)}>
                                {t(p.remove)}
                            </Button>
                        ),
                },
            ]}
            aside={(list) => mayWrite && <Button onClick={() => add(list)}>{t(p.add)}</Button>}
            empty={{ title: p.empty, hint: p.emptyHint }}
        />
    );
}
function add(list: PagedList<BlacklistEntry>) {
    act({
        title: t(p.add),
        preview: <p>{t(p.preview)}</p>,
        fields: [
            { name: "kind", label: p.kind, kind: "choice", choices: Object.entries(kinds).map(([value, label]) => ({ value, label })), initial: "phone" },
            { name: "value", label: p.value },
            { name: "reason", label: w.reason, isOptional: true },
        ],
        verb: t(p.add),
        run: async (values, key) => {
            await call("POST /v1/blacklist", { kind: values.kind as BlacklistKind, value: values.value, reason: values.reason }, { key });
            void list.reload();
            return t(p.saved, { value: values.value ?? "" });
        },
    });
}
function remove(one: BlacklistEntry, list: PagedList<BlacklistEntry>) {
    const value = one.value ?? "";
    act({
        title: t(p.removeTitle, { value }),
        preview: <p>{t(p.removePreview)}</p>,
        verb: t(p.remove),
        isGrave: true,
        run: async () => {
            await call("DELETE /v1/blacklist/{id}", { id: one.id });
            void list.reload();
            return t(p.removed, { value });
        },
    });
}
