import { Button } from "@mantine/core";
import { call } from "../../api/client";
import type { Channel } from "../../api/schema.gen";
import { can } from "../../api/session";
import { asIs, t, words } from "../../i18n";
import { act } from "../../ui/action";
import { List } from "../../ui/List";
import type { PagedList } from "../../ui/pages";
import { Time } from "../../ui/parts";
import { Badge } from "../../ui/Status";
import { w } from "../../ui/words";

const p = words({
    title: ["Channels", "通路"],
    type: ["Kind", "類型"],
    prefix: ["Number prefix", "單號前綴"],
    prefixHint: ["Orders of this channel are called PREFIX-100001. Empty: the name in capitals.", "此通路的訂單編號為「前綴-100001」;留空則用大寫名稱。"],
    confirms: ["Confirmation", "確認方式"],
    byHand: ["By a person", "人工確認"],
    byItself: ["By itself", "自動確認"],
    add: ["Add a channel", "新增通路"],
    addVerb: ["Add", "新增"],
    addPreview: ["Orders of the channel arrive at /hooks/{name}, signed with the secret; nothing unsigned is taken.", "通路訂單由 /hooks/{name} 接收,並以密鑰驗證簽章。"],
    secret: ["Secret", "密鑰"],
    secretHint: ["The one that the channel signs its webhooks with. Not needed for the API.", "通路簽署 webhook 的密鑰;API 類型不需要。"],
    manually: ["Orders wait until a person confirms them", "訂單需由人員確認"],
    nameHint: ["Small letters, digits and hyphens", "小寫英文、數字與連字號"],
    added: ["{name} is connected.", "{name} 已連接。"],
    newSecret: ["New secret", "更換密鑰"],
    newSecretTitle: ["A new secret for {name}", "更換 {name} 的密鑰"],
    newSecretPreview: ["The old secret goes on being accepted while the channel changes over.", "通路切換期間,舊密鑰仍可使用。"],
    secretDone: ["{name} has a new secret.", "{name} 的密鑰已更換。"],
    active: ["Active", "使用中"],
    off: ["Off", "停用"],
    empty: ["No channels yet", "尚無通路"],
    emptyHint: ["A channel is where orders come from: a storefront, a marketplace, your own API.", "通路是訂單的來源:網店、平台或您的 API。"],
});

export default function ChannelsPage() {
    return (
        <List<Channel>
            path="/settings/channels"
            title={p.title}
            keyOf={(one) => one.name ?? ""}
            nameOf={(one) => one.name ?? ""}
            load={() => (cursor, limit) => call("GET /v1/channels", { cursor: cursor ?? undefined, limit })}
            columns={(list) => [
                { id: "name", label: w.name, width: "1fr", cell: (one) => one.name },
                { id: "type", label: p.type, width: 130, cell: (one) => one.type },
                { id: "prefix", label: p.prefix, width: 130, cell: (one) => one.number_prefix },
                { id: "confirms", label: p.confirms, width: 140, cell: (one) => t(one.confirms_manually ? p.byHand : p.byItself) },
                { id: "active", label: w.status, width: 100, cell: (one) => <Badge tone={one.is_active ? "done" : "ended"}>{t(one.is_active ? p.active : p.off)}</Badge> },
                { id: "created", label: w.created, width: 120, cell: (one) => <Time at={one.created_at} /> },
                {
                    id: "action", label: p.newSecret, width: 130, head: <span className="hidden">{t(p.newSecret)}</span>,
                    cell: (one) =>
                        one.type !== "api" &&
                        can("settings:write") && (
                            <Button size="compact-xs" variant="default" onClick={() => renew(one, list)}>
                                {t(p.newSecret)}
                            </Button>
                        ),
                },
            ]}
            aside={(list) => can("settings:write") && <Button onClick={() => add(list)}>{t(p.add)}</Button>}
            empty={{ title: p.empty, hint: p.emptyHint }}
        />
    );
}
function add(list: PagedList<Channel>) {
    act({
        title: t(p.add),
        preview: (values) => <p>{t(p.addPreview, { name: values.name || "…" })}</p>,
        fields: [
            { name: "name", label: w.name, hint: p.nameHint },
            { name: "type", label: p.type, kind: "choice", choices: ["shopify", "woocommerce", "api"].map((value) => ({ value, label: asIs(value) })) },
            { name: "secret", label: p.secret, kind: "secret", isOptional: true, hint: p.secretHint },
            { name: "number_prefix", label: p.prefix, isOptional: true, hint: p.prefixHint },
            { name: "manually", label: p.manually, kind: "switch" },
        ],
        verb: t(p.addVerb),
        run: async (values, key) => {
            await call("POST /v1/channels", { name: values.name, type: values.type, secret: values.secret || undefined, number_prefix: values.number_prefix || undefined, confirms_manually: values.manually === "yes" }, { key });
            void list.reload();
            return t(p.added, { name: values.name ?? "" });
        },
    });
}
function renew(channel: Channel, list: PagedList<Channel>) {
    const name = channel.name ?? "";
    act({
        title: t(p.newSecretTitle, { name }),
        preview: <p>{t(p.newSecretPreview)}</p>,
        fields: [{ name: "secret", label: p.secret, kind: "secret" }],
        verb: t(p.newSecret),
        run: async (values, key) => {
            await call("POST /v1/channels", { name, type: channel.type, secret: values.secret, number_prefix: channel.number_prefix, confirms_manually: channel.confirms_manually }, { key });
            void list.reload();
            return t(p.secretDone, { name });
        },
    });
}
