import { Button } from "@mantine/core";
import { call } from "../../api/client";
import type { CustomerProfile } from "../../api/schema.gen";
import { can } from "../../api/session";
import { t, words } from "../../i18n";
import { act } from "../../ui/action";
import { List } from "../../ui/List";
import { Time } from "../../ui/parts";
import { Link, navigate } from "../../ui/router";
import { Badge } from "../../ui/Status";
import { w } from "../../ui/words";

const p = words({
    title: ["Customers", "顧客"],
    find: ["Telephone, e-mail or name", "電話、電子郵件或姓名"],
    phone: ["Telephone", "電話"],
    email: ["E-mail", "電子郵件"],
    tags: ["Tags", "標籤"],
    add: ["Add a customer", "新增顧客"],
    addVerb: ["Add", "新增"],
    addPreview: ["Orders with the same telephone number or e-mail address are linked to the customer by themselves.", "相同電話或電子郵件的訂單會自動歸入此顧客。"],
    added: ["{name} is added.", "已新增 {name}。"],
    since: ["Since", "建立"],
    empty: ["No customers yet", "尚無顧客"],
    emptyHint: ["Customers come with their first order, over all channels.", "顧客隨第一筆訂單建立,涵蓋所有通路。"],
});

export default function CustomersPage() {
    return (
        <List<CustomerProfile>
            path="/customers"
            title={p.title}
            filters={[{ name: "q", label: p.find }]}
            keyOf={(one) => one.id}
            nameOf={(one) => one.name ?? one.id}
            load={(filters) => (cursor, limit) => call("GET /v1/customers", { ...filters, cursor: cursor ?? undefined, limit })}
            open={(one) => navigate(`/customers/${one.id}`)}
            columns={() => [
                { id: "name", label: w.name, width: "2fr", cell: (one) => <Link href={`/customers/${one.id}`}>{one.name ?? "–"}</Link> },
                { id: "phone", label: p.phone, width: 150, cell: (one) => one.phone },
                { id: "email", label: p.email, width: "2fr", cell: (one) => one.email },
                { id: "tags", label: p.tags, width: "1fr", from: 800, cell: (one) => one.tags.map((tag) => <Badge key={tag} tone="neutral">{tag}</Badge>) },
                { id: "since", label: p.since, width: 100, cell: (one) => <Time at={one.created_at} /> },
            ]}
            aside={() => can("customers:write") && <Button onClick={add}>{t(p.add)}</Button>}
            empty={{ title: p.empty, hint: p.emptyHint }}
        />
    );
}
function add() {
    act({
        title: t(p.add),
        preview: <p>{t(p.addPreview)}</p>,
        fields: [{ name: "name", label: w.name }, { name: "phone", label: p.phone, isOptional: true }, { name: "email", label: p.email, kind: "email", isOptional: true }, { name: "note", label: w.note, kind: "long", isOptional: true }],
        verb: t(p.addVerb),
        run: async (values, key) => {
            const made = await call("POST /v1/customers", { name: values.name, phone: values.phone || undefined, email: values.email || undefined, note: values.note || undefined }, { key });
            navigate(`/customers/${made.id}`);
            return t(p.added, { name: made.name ?? "" });
        },
    });
}
