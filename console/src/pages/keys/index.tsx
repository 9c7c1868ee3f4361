import { Button } from "@mantine/core";
import { call } from "../../api/client";
import type { Key } from "../../api/schema.gen";
import { can } from "../../api/session";
import { t, words } from "../../i18n";
import { act } from "../../ui/action";
import { List } from "../../ui/List";
import type { PagedList } from "../../ui/pages";
import { Time } from "../../ui/parts";
import { rolePhrase, ROLES } from "../../ui/roles";
import { showOnce } from "../../ui/secret";
import { Badge } from "../../ui/Status";
import { w } from "../../ui/words";

const p = words({
    title: ["API keys", "API 金鑰"],
    role: ["Role", "角色"],
    prefix: ["Begins with", "開頭"],
    used: ["Last used", "上次使用"],
    expires: ["Expires", "到期"],
    add: ["Create a key", "建立金鑰"],
    addVerb: ["Create", "建立"],
    addPreview: ["A program with this key may do what the role may. The secret is shown once.", "持有此金鑰的程式擁有該角色的權限。密鑰只顯示一次。"],
    until: ["Valid until", "有效至"],
    secretTitle: ["The key, shown once", "金鑰(只顯示一次)"],
    secretHint: ["Keep it where the program reads it. It cannot be read again.", "請立即妥善保存,之後無法再次查看。"],
    revoke: ["Revoke", "撤銷"],
    revokeTitle: ["Revoke {name}", "撤銷 {name}"],
    revokePreview: ["Programs that use it are refused within a second. It cannot be taken back.", "使用此金鑰的程式將在一秒內被拒絕,無法復原。"],
    revoked: ["{name} is revoked.", "{name} 已撤銷。"],
    isRevoked: ["Revoked", "已撤銷"],
    active: ["Active", "使用中"],
    empty: ["No keys yet", "尚無金鑰"],
    emptyHint: ["Programs reach the API with a key of their own.", "程式以各自的金鑰存取 API。"],
});

export default function KeysPage() {
    return (
        <List<Key>
            path="/settings/keys"
            title={p.title}
            keyOf={(one) => one.id}
            nameOf={(one) => one.name ?? one.id}
            load={() => (cursor, limit) => call("GET /v1/keys", { cursor: cursor ?? undefined, limit })}
            columns={(list) => [
                { id: "name", label: w.name, width: "1fr", cell: (one) => one.name },
                { id: "role", label: p.role, width: 140, cell: (one) => t(rolePhrase(one.role)) },
                { id: "prefix", label: p.prefix, width: 140, cell: (one) => <code>{one.prefix}…</code> },
                { id: "status", label: w.status, width: 100, cell: (one) => <Badge tone={one.revoked_at ? "ended" : "done"}>{t(one.revoked_at ? p.isRevoked : p.active)}</Badge> },
                { id: "used", label: p.used, width: 110, cell: (one) => <Time at={one.last_used_at} /> },
                { id: "expires", label: p.expires, width: 110, cell: (one) => <Time at={one.expires_at} /> },
                { id: "created", label: w.created, width: 110, from: 900, cell: (one) => <Time at={one.created_at} /> },
                {
                    id: "action", label: p.revoke, width: 100, head: <span className="hidden">{t(p.revoke)}</span>,
                    cell: (one) =>
                        !one.revoked_at &&
                        can("settings:write") && (
                            <Button size="compact-xs" variant="default" onClick={() => revoke(one, list)}>
                                {t(p.revoke)}
                            </Button>
                        ),
                },
            ]}
            aside={(list) => can("settings:write") && <Button onClick={() => add(list)}>{t(p.add)}</Button>}
            empty={{ title: p.empty, hint: p.emptyHint }}
        />
    );
}
function add(list: PagedList<Key>) {
    act({
        title: t(p.add),
        preview: <p>{t(p.addPreview)}</p>,
        fields: [
            { name: "name", label: w.name },
            { name: "role", label: p.role, kind: "choice", choices: ROLES.map((value) => ({ value, label: rolePhrase(value) })), initial: "read_only" },
            { name: "until", label: p.until, kind: "moment", isOptional: true },
        ],
        verb: t(p.addVerb),
        run: async (values, key) => {
            const made = await call("POST /v1/keys", { name: values.name, role: values.role, expires_at: values.until ? new Date(values.until).toISOString() : undefined }, { key });
            void list.reload();
            showOnce(t(p.secretTitle), t(p.secretHint), made.secret ?? "");
        },
    });
}
function revoke(one: Key, list: PagedList<Key>) {
    const name = one.name ?? one.prefix ?? "";
    act({
        title: t(p.revokeTitle, { name }),
        preview: <p>{t(p.revokePreview)}</p>,
        verb: t(p.revoke),
        isGrave: true,
        run: async () => {
            list.patch(await call("DELETE /v1/keys/{id}", { id: one.id }));
            return t(p.revoked, { name });
        },
    });
}
