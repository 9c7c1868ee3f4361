// Who came in, was refused, read personal data or changed rights: a chain that nobody can take a link out of.
import { call } from "../../api/client";
import type { AuditEntry } from "../../api/schema.gen";
import { number, words } from "../../i18n";
import { useActorName } from "../../ui/actors";
import { List } from "../../ui/List";
import { Time } from "../../ui/parts";

const p = words({
    title: ["Audit", "稽核紀錄"],
    when: ["When", "時間"],
    actor: ["Who", "人員"],
    action: ["What", "動作"],
    target: ["Of what", "對象"],
    route: ["Route", "路徑"],
    address: ["From", "來源"],
    times: ["Times", "次數"],
    empty: ["Nothing was recorded yet", "尚無紀錄"],
    emptyHint: ["Sign-ins, refusals, readings of personal data and changes of rights are kept here.", "登入、拒絕、讀取個人資料與權限變更都會記錄於此。"],
});

export default function AuditPage() {
    const nameOf = useActorName();
    return (
        <List<AuditEntry>
            path="/settings/audit"
            title={p.title}
            filters={[{ name: "actor", label: p.actor }, { name: "action", label: p.action }, { name: "target", label: p.target }]}
            keyOf={(one) => String(one.position)}
            nameOf={(one) => `${one.action} ${one.target ?? ""}`}
            load={(filters) => (cursor, limit) => call("GET /v1/audit", { ...filters, cursor: cursor ?? undefined, limit })}
            columns={() => [
                { id: "when", label: p.when, width: 110, cell: (one) => <Time at={one.at} /> },
                { id: "actor", label: p.actor, width: "1fr", cell: (one) => nameOf(one.actor), title: (one) => one.actor ?? undefined },
                { id: "action", label: p.action, width: 160, cell: (one) => one.action },
                { id: "target", label: p.target, width: "1fr", cell: (one) => nameOf(one.target), title: (one) => one.target ?? undefined },
                { id: "route", label: p.route, width: "1fr", from: 1000, cell: (one) => one.route && <code>{one.route}</code> },
                { id: "address", label: p.address, width: 120, from: 900, cell: (one) => one.address },
                { id: "times", label: p.times, width: 70, isNumber: true, cell: (one) => number(one.times ?? 1) },
            ]}
            empty={{ title: p.empty, hint: p.emptyHint }}
        />
    );
}
