import { Button } from "@mantine/core";
import { call } from "../../api/client";
import type { Person } from "../../api/schema.gen";
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
    title: ["People", "人員"],
    email: ["E-mail", "電子郵件"],
    role: ["Role", "角色"],
    language: ["Language", "語言"],
    signedIn: ["Signed in", "上次登入"],
    add: ["Add a person", "新增人員"],
    addVerb: ["Add", "新增"],
    addPreview: ["The person may do what the role may. The first password is shown once, for you to hand over.", "此人擁有該角色的權限。初始密碼只顯示一次,請自行轉交。"],
    password: ["The first password, shown once", "初始密碼(只顯示一次)"],
    passwordHint: ["Give it to {name}, who chooses another after signing in.", "請轉交給 {name},登入後應自行更換。"],
    change: ["Change {name}", "變更 {name}"],
    changePreview: ["Another role ends the person's sessions: they sign in again with the new rights.", "變更角色會結束現有登入,需以新權限重新登入。"],
    changed: ["{name} is changed.", "{name} 已變更。"],
    reset: ["New password", "重設密碼"],
    resetPreview: ["{name} is signed out everywhere and needs the new password.", "{name} 將於所有裝置登出,並需使用新密碼。"],
    disable: ["Disable", "停用"],
    disablePreview: ["{name} is signed out everywhere and cannot sign in. What they did stays.", "{name} 將於所有裝置登出且無法登入,過往紀錄保留。"],
    disabled: ["{name} is disabled.", "{name} 已停用。"],
    enable: ["Enable", "啟用"],
    enabled: ["{name} may sign in again.", "{name} 可再次登入。"],
    active: ["Active", "使用中"],
    first: ["First password", "使用初始密碼"],
    off: ["Disabled", "已停用"],
    empty: ["Nobody yet", "尚無人員"],
    emptyHint: ["People sign in with an account of their own, so that the timeline says who did what.", "每位人員使用自己的帳號登入,時間軸才能記錄是誰操作。"],
});

export default function PeoplePage() {
    return (
        <List<Person>
            path="/settings/people"
            title={p.title}
            keyOf={(one) => one.id}
            nameOf={(one) => one.name ?? ""}
            load={() => (cursor, limit) => call("GET /v1/people", { cursor: cursor ?? undefined, limit })}
            open={can("settings:write") ? change : undefined}
            columns={(list) => [
                { id: "name", label: w.name, width: "1fr", cell: (one) => one.name },
                { id: "email", label: p.email, width: "1fr", cell: (one) => one.email },
                { id: "role", label: p.role, width: 130, cell: (one) => t(rolePhrase(one.role)) },
                { id: "status", label: w.status, width: 130, cell: (one) => <Badge tone={!one.is_active ? "ended" : one.has_first_password ? "waiting" : "done"}>{t(!one.is_active ? p.off : one.has_first_password ? p.first : p.active)}</Badge> },
                { id: "in", label: p.signedIn, width: 110, cell: (one) => <Time at={one.signed_in_at} /> },
                { id: "created", label: w.created, width: 110, from: 900, cell: (one) => <Time at={one.created_at} /> },
                {
                    id: "action", label: w.more, width: 210, head: <span className="hidden">{t(w.more)}</span>,
                    cell: (one) =>
                        can("settings:write") && (
                            <span className="badges">
                                {one.is_active && (
                                    <Button size="compact-xs" variant="default" onClick={() => reset(one, list)}>
                                        {t(p.reset)}
                                    </Button>
                                )}
                                <Button size="compact-xs" variant="default" onClick={() => (one.is_active ? disable(one, list) : enable(one, list))}>
                                    {t(one.is_active ? p.disable : p.enable)}
                                </Button>
                            </span>
                        ),
                },
            ]}
            aside={(list) => can("settings:write") && <Button onClick={() => add(list)}>{t(p.add)}</Button>}
            empty={{ title: p.empty, hint: p.emptyHint }}
        />
    );
}
const roleChoices = () => ROLES.map((value) => ({ value, label: rolePhrase(value) }));
const languages = [{ value: "zh-Hant", label: ["Traditional Chinese", "繁體中文"] }, { value: "en", label: ["English", "英文"] }] as const;
const showPassword = (person: Person) => showOnce(t(p.password), t(p.passwordHint, { name: person.name ?? "" }), person.password ?? "");

function add(list: PagedList<Person>) {
    act({
        title: t(p.add),
        preview: <p>{t(p.addPreview)}</p>,
        fields: [
            { name: "name", label: w.name },
            { name: "email", label: p.email, kind: "email" },
            { name: "role", label: p.role, kind: "choice", choices: roleChoices(), initial: "order_desk" },
            { name: "locale", label: p.language, kind: "choice", choices: languages },
        ],
        verb: t(p.addVerb),
        run: async (values, key) => {
            const made = await call("POST /v1/people", { name: values.name, email: values.email, role: values.role, locale: values.locale }, { key });
            void list.reload();
            showPassword(made);
        },
    });
}
function change(one: Person, list: PagedList<Person>) {
    const name = one.name ?? "";
    act({
        title: t(p.change, { name }),
        preview: <p>{t(p.changePreview)}</p>,
        fields: [
            { name: "name", label: w.name, initial: name },
            { name: "email", label: p.email, kind: "email", initial: one.email ?? "" },
            { name: "role", label: p.role, kind: "choice", choices: roleChoices(), initial: one.role ?? "" },
            { name: "locale", label: p.language, kind: "choice", choices: languages, initial: one.locale ?? "zh-Hant" },
        ],
        verb: t(w.save),
        run: async (values) => {
            list.patch(await call("PATCH /v1/people/{id}", { id: one.id, ...values }));
            return t(p.changed, { name });
        },
    });
}
function reset(one: Person, list: PagedList<Person>) {
    act({
        title: `${t(p.reset)} · ${one.name}`,
        preview: <p>{t(p.resetPreview, { name: one.name ?? "" })}</p>,
        verb: t(p.reset),
        isGrave: true,
        run: async (_, key) => {
            const made = await call("POST /v1/people/{id}/password", { id: one.id }, { key });
            list.patch({ ...made, password: null });
            showPassword(made);
        },
    });
}
function disable(one: Person, list: PagedList<Person>) {
    const name = one.name ?? "";
    act({
        title: `${t(p.disable)} · ${name}`,
        preview: <p>{t(p.disablePreview, { name })}</p>,
        verb: t(p.disable),
        isGrave: true,
        run: async (_, key) => {
            list.patch(await call("POST /v1/people/{id}/disable", { id: one.id }, { key }));
            return { text: t(p.disabled, { name }), undo: () => void call("POST /v1/people/{id}/enable", { id: one.id }).then((after) => list.patch(after)) };
        },
    });
}
function enable(one: Person, list: PagedList<Person>) {
    void call("POST /v1/people/{id}/enable", { id: one.id }).then((after) => list.patch(after));
}
