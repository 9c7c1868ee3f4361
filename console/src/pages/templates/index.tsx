// The mails that the shop sends: which are switched on, and their texts by language.
import { Checkbox } from "@mantine/core";
import { call } from "../../api/client";
import type { NotificationSetting, Template } from "../../api/schema.gen";
import { can } from "../../api/session";
import { t, words } from "../../i18n";
import { useActorName } from "../../ui/actors";
import { List } from "../../ui/List";
import { Loaded, Panel, ProblemNote, Time } from "../../ui/parts";
import { useResource } from "../../ui/resource";
import { Link, navigate } from "../../ui/router";
import { Badge } from "../../ui/Status";
import { useProblem } from "../../ui/problem";
import { kindName, localeName } from "./words";

const p = words({
    title: ["Mails", "郵件範本"],
    kind: ["Mail", "郵件"],
    language: ["Language", "語言"],
    part: ["Form", "格式"],
    own: ["The shop's own", "自訂"],
    original: ["As it came", "預設"],
    changed: ["Changed", "更新"],
    by: ["By", "人員"],
    sent: ["Which mails are sent", "寄送設定"],
    everywhere: ["all channels", "所有通路"],
    empty: ["No templates", "沒有範本"],
    emptyHint: ["The service that sends mails has none.", "郵件服務沒有任何範本。"],
});

export default function TemplatesPage() {
    const nameOf = useActorName();
    return (
        <>
            <Switches />
            <List<Template>
                path="/settings/templates"
                title={p.title}
                keyOf={(one) => `${one.type}/${one.locale}/${one.part}`}
                nameOf={(one) => `${kindName(one.type)} ${one.locale}`}
                load={() => (cursor, limit) => call("GET /v1/templates", { cursor: cursor ?? undefined, limit })}
                open={(one) => navigate(`/settings/templates/${one.type}/${one.locale}/${one.part}`)}
                columns={() => [
                    { id: "kind", label: p.kind, width: "2fr", cell: (one) => <Link href={`/settings/templates/${one.type}/${one.locale}/${one.part}`}>{kindName(one.type)}</Link> },
                    { id: "language", label: p.language, width: 140, cell: (one) => localeName(one.locale) },
                    { id: "part", label: p.part, width: 90, cell: (one) => one.part },
                    { id: "own", label: p.own, width: 120, cell: (one) => <Badge tone={one.is_changed ? "active" : "neutral"}>{t(one.is_changed ? p.own : p.original)}</Badge> },
                    { id: "changed", label: p.changed, width: 110, cell: (one) => <Time at={one.updated_at} /> },
                    { id: "by", label: p.by, width: "1fr", from: 900, cell: (one) => nameOf(one.updated_by) },
                ]}
                empty={{ title: p.empty, hint: p.emptyHint }}
            />
        </>
    );
}

function Switches() {
    const found = useResource("notification-settings", (signal) => call("GET /v1/notification-settings", {}, { signal }));
    const [problem, guard] = useProblem();
    const change = (one: NotificationSetting, email: boolean) =>
        guard(async () => {
            const saved = await call("PATCH /v1/notification-settings", { type: one.type, channel: one.channel, email });
            if (found.data) found.put({ ...found.data, data: found.data.data.map((known) => (known.type === one.type && known.channel === one.channel ? saved : known)) });
        });
    return (
        <div className="page">
            <Panel title={t(p.sent)}>
                <Loaded from={found} rows={2}>
                    {({ data }) => (
                        <div className="body many">
                            {data.map((one) => (
                                <Checkbox
                                    key={`${one.type}/${one.channel ?? ""}`}
                                    label={`${kindName(one.type)}${one.channel ? ` · ${one.channel}` : ` · ${t(p.everywhere)}`}`}
                                    checked={one.email ?? false}
                                    disabled={!can("settings:write")}
                                    onChange={(event) => change(one, event.currentTarget.checked)}
                                />
                            ))}
                        </div>
                    )}
                </Loaded>
                {problem && <ProblemNote problem={problem} />}
            </Panel>
        </div>
    );
}
