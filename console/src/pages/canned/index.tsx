// Texts that are written again and again, in each language of the shop's customers.
import { Button } from "@mantine/core";
import { call } from "../../api/client";
import type { CannedReply } from "../../api/schema.gen";
import { can } from "../../api/session";
import { t, words } from "../../i18n";
import { act, type Values } from "../../ui/action";
import { List } from "../../ui/List";
import type { PagedList } from "../../ui/pages";
import { Time } from "../../ui/parts";
import { w } from "../../ui/words";

const p = words({
    title: ["Canned replies", "罐頭訊息"],
    zh: ["In Chinese", "中文內容"],
    en: ["In English", "英文內容"],
    changed: ["Changed", "更新"],
    add: ["New reply", "新增罐頭訊息"],
    edit: ["Change {name}", "修改「{name}」"],
    preview: ["A customer gets the text of the order's language. Fields of the order in double braces, such as number or customer_name, are filled in.", "將依訂單語言選用內容;以雙大括號標示的訂單欄位(如 number、customer_name)會自動代入。"],
    saved: ["{name} is saved.", "已儲存「{name}」。"],
    remove: ["Remove", "刪除"],
    removeTitle: ["Remove {name}", "刪除「{name}」"],
    removePreview: ["What was written with it stays.", "已送出的訊息不受影響。"],
    removed: ["{name} is removed.", "已刪除「{name}」。"],
    empty: ["No canned replies yet", "尚無罐頭訊息"],
    emptyHint: ["Write once what customers ask every day.", "把每天都要回覆的內容寫好一次。"],
});

const LOCALES = ["zh-Hant", "en"] as const;
const textOf = (one: CannedReply, locale: string) => one.texts.find((text) => text.locale === locale)?.body ?? "";

export default function CannedPage() {
    const mayWrite = can("messages:write");
    return (
        <List<CannedReply>
            path="/settings/replies"
            title={p.title}
            keyOf={(one) => one.id}
            nameOf={(one) => one.name ?? one.id}
            load={() => (cursor, limit) => call("GET /v1/canned-replies", { cursor: cursor ?? undefined, limit })}
            open={mayWrite ? (one, list) => write(list, one) : undefined}
            columns={(list) => [
                { id: "name", label: w.name, width: "1fr", cell: (one) => one.name },
                { id: "zh", label: p.zh, width: "2fr", cell: (one) => textOf(one, "zh-Hant"), title: (one) => textOf(one, "zh-Hant") },
                { id: "en", label: p.en, width: "2fr", from: 900, cell: (one) => textOf(one, "en"), title: (one) => textOf(one, "en") },
                { id: "changed", label: p.changed, width: 110, cell: (one) => <Time at={one.updated_at} /> },
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
            aside={(list) => mayWrite && <Button onClick={() => write(list)}>{t(p.add)}</Button>}
            empty={{ title: p.empty, hint: p.emptyHint }}
        />
    );
}
function write(list: PagedList<CannedReply>, one?: CannedReply) {
    const texts = (values: Values) => LOCALES.map((locale) => ({ locale, body: values[locale] ?? "" })).filter((text) => text.body !== "");
    act({
        title: one ? t(p.edit, { name: one.name ?? "" }) : t(p.add),
        preview: <p>{t(p.preview)}</p>,
        fields: [
            { name: "name", label: w.name, initial: one?.name ?? undefined },
            { name: "zh-Hant", label: p.zh, kind: "long", isOptional: true, initial: one && textOf(one, "zh-Hant") },
            { name: "en", label: p.en, kind: "long", isOptional: true, initial: one && textOf(one, "en") },
        ],
        verb: t(w.save),
        run: async (values, key) => {
            if (one) await call("PATCH /v1/canned-replies/{id}", { id: one.id, name: values.name, texts: texts(values) });
            else await call("POST /v1/canned-replies", { name: values.name, texts: texts(values) }, { key });
            void list.reload();
            return t(p.saved, { name: values.name ?? "" });
        },
    });
}
function remove(one: CannedReply, list: PagedList<CannedReply>) {
    const name = one.name ?? "";
    act({
        title: t(p.removeTitle, { name }),
        preview: <p>{t(p.removePreview)}</p>,
        verb: t(p.remove),
        isGrave: true,
        run: async () => {
            await call("DELETE /v1/canned-replies/{id}", { id: one.id });
            void list.reload();
            return t(p.removed, { name });
        },
    });
}
