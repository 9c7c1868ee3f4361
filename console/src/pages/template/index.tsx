// One template: its text on the left, how it reads about a real order on the right. What does not parse is refused
// with its line, and the mails go on as before.
import { Button, Textarea, TextInput } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { call } from "../../api/client";
import type { PreviewTemplateResponse, Template } from "../../api/schema.gen";
import { can, session } from "../../api/session";
import { t, words } from "../../i18n";
import { act } from "../../ui/action";
import { Loaded, Panel, ProblemNote } from "../../ui/parts";
import { useResource } from "../../ui/resource";
import { Link } from "../../ui/router";
import { w } from "../../ui/words";
import { useProblem } from "../../ui/problem";
import { kindName, localeName } from "../templates/words";

const p = words({
    all: ["All mails", "所有郵件範本"],
    text: ["Text", "內容"],
    reads: ["As it reads", "預覽"],
    order: ["About the order", "以訂單預覽"],
    orderHint: ["A number, such as WEB-100001.", "訂單編號,例如 WEB-100001。"],
    show: ["Show", "預覽"],
    saveTitle: ["Save the text of {name}", "儲存「{name}」"],
    savePreview: ["Mails that are sent from now on read like this. The text before it stays as a version.", "之後寄出的郵件將使用此內容,先前的版本會保留。"],
    saved: ["Version {version} is in use.", "已使用第 {version} 版。"],
    back: ["As it came", "還原預設"],
    backTitle: ["Go back to the text that came with Penstock", "還原為預設內容"],
    backPreview: ["The shop's own versions stay.", "自訂版本會保留。"],
    isBack: ["The original text is in use.", "已還原預設內容。"],
    test: ["Test mail", "寄測試信"],
    testTitle: ["Send a test mail", "寄測試信"],
    testPreview: ["One mail about this order, to an address of the shop's own. The text that is in use is sent.", "以此訂單寄一封郵件到商店自己的信箱,使用目前生效的內容。"],
    to: ["To", "收件者"],
    sent: ["It is on its way to {to}.", "已寄往 {to}。"],
});

export default function TemplatePage({ params }: { params: Record<string, string> }) {
    const name = { type: params.type ?? "", locale: params.locale ?? "", part: params.part ?? "" };
    const key = `template/${name.type}/${name.locale}/${name.part}`;
    const found = useResource(key, (signal) => call("GET /v1/templates/{type}/{locale}/{part}", name, { signal }));
    return (
        <div className="page">
            <Link href="/settings/templates">← {t(p.all)}</Link>
            <h1>
                {kindName(name.type)} · {localeName(name.locale)} · {name.part}
            </h1>
            <Loaded from={found}>{(one) => <Editor key={`${key}/${one.version}/${one.is_changed}`} one={one} name={name} put={found.put} />}</Loaded>
        </div>
    );
}

type Name = { type: string; locale: string; part: string };

function Editor({ one, name, put }: { one: Template; name: Name; put: (after: Template) => void }) {
    const [body, setBody] = useState(one.body ?? "");
    const [order, setOrder] = useState("");
    const [shown, setShown] = useState<PreviewTemplateResponse | null>(null);
    const [problem, guard] = useProblem();
    const mayWrite = can("settings:write");
    const show = () => guard(async () => setShown(await call("POST /v1/templates/{type}/{locale}/{part}/preview", { ...name, body, order })));
    return (
        <div className="halves">
            <Panel title={t(p.text)}>
                <div className="body">
                    <Textarea aria-label={t(p.text)} value={body} readOnly={!mayWrite} autosize minRows={18} maxRows={30} classNames={{ input: "code" }} spellCheck={false} onChange={(event) => setBody(event.currentTarget.value)} />
                    {mayWrite && (
                        <p className="buttons">
                            <Button disabled={body === one.body} onClick={() => save(name, body, put)}>
                                {t(w.save)}
                            </Button>
                            <Button variant="default" disabled={!one.is_changed} onClick={() => goBack(name, put)}>
                                {t(p.back)}
                            </Button>
                            <Button variant="default" onClick={() => sendTest(name, order)}>
                                {t(p.test)}
                            </Button>
                        </p>
                    )}
                </div>
            </Panel>
            <Panel title={t(p.reads)}>
                <form
                    className="body"
                    onSubmit={(event) => {
                        event.preventDefault();
                        show();
                    }}
                >
                    <TextInput label={t(p.order)} description={t(p.orderHint)} value={order} onChange={(event) => setOrder(event.currentTarget.value.trim())} rightSectionWidth={80} rightSection={<Button type="submit" size="compact-xs" variant="light" disabled={order === ""}>{t(p.show)}</Button>} />
                    {problem && <ProblemNote problem={problem} />}
                    {shown && (
                        <>
                            {shown.subject && <h3>{shown.subject}</h3>}
                            {name.part === "html" ? <Mail html={shown.body ?? ""} /> : <pre className="mail">{shown.body}</pre>}
                        </>
                    )}
                </form>
            </Panel>
        </div>
    );
}
/** The mail in a shadow of its own. This page's policy refuses style attributes, also in a frame: they are set one by
 *  one; what could act (scripts, forms) is left out. */
function Mail({ html }: { html: string }) {
    const place = useRef<HTMLDivElement>(null);
    useEffect(() => {
        const root = place.current && (place.current.shadowRoot ?? place.current.attachShadow({ mode: "open" }));
        if (!root) return;
        const { body } = new DOMParser().parseFromString(html, "text/html");
        body.querySelectorAll("script, style, link, form, iframe, object").forEach((one) => one.remove());
        const styles = [...body.querySelectorAll<HTMLElement>("[style]")].map((one) => [one, one.getAttribute("style") ?? ""] as const);
        styles.forEach(([one]) => one.removeAttribute("style"));
        root.replaceChildren(...document.importNode(body, true).childNodes);
        // The same elements in the same order, now in this document.
        const marked = [...body.querySelectorAll<HTMLElement>("*")];
        const shown = [...root.querySelectorAll<HTMLElement>("*")];
        for (const [one, css] of styles) Object.assign(shown[marked.indexOf(one)]?.style ?? {}, { cssText: css });
    }, [html]);
    return <div className="mail" ref={place} />;
}
function save(name: Name, body: string, put: (after: Template) => void) {
    act({
        title: t(p.saveTitle, { name: kindName(name.type) }),
        preview: <p>{t(p.savePreview)}</p>,
        verb: t(w.save),
        run: async () => {
            const after = await call("PUT /v1/templates/{type}/{locale}/{part}", { ...name, body });
            put(after);
            return t(p.saved, { version: after.version ?? 0 });
        },
    });
}
function goBack(name: Name, put: (after: Template) => void) {
    act({
        title: t(p.backTitle),
        preview: <p>{t(p.backPreview)}</p>,
        verb: t(p.back),
        run: async () => {
            put(await call("DELETE /v1/templates/{type}/{locale}/{part}", name));
            return t(p.isBack);
        },
    });
}
function sendTest(name: Name, order: string) {
    act({
        title: t(p.testTitle),
        preview: <p>{t(p.testPreview)}</p>,
        fields: [
            { name: "order", label: p.order, hint: p.orderHint, initial: order },
            { name: "to", label: p.to, kind: "email", initial: session.get()?.user?.email ?? undefined },
        ],
        verb: t(p.test),
        run: async (values, key) => {
            await call("POST /v1/templates/{type}/{locale}/test", { type: name.type, locale: name.locale, order: values.order, to: values.to }, { key });
            return t(p.sent, { to: values.to ?? "" });
        },
    });
}
