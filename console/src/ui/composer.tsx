// Writing about an order: to its customer, or for ourselves. Which of the two is said by word and by ground, so that
// nobody sends a note for colleagues to a customer.
import { Button, Textarea } from "@mantine/core";
import { useRef, useState } from "react";
import { call, newKey, Problem } from "../api/client";
import { can } from "../api/session";
import { asIs, t, words } from "../i18n";
import { useCommands } from "./commands";
import { ProblemNote } from "./parts";
import { useResource } from "./resource";
import { tell } from "./toasts";

const p = words({
    note: ["Internal note", "內部備註"],
    message: ["To the customer", "回覆顧客"],
    noteHint: ["Only people of the shop see this.", "僅店內人員可見。"],
    messageHint: ["The customer sees this on the order's page and gets it by e-mail.", "顧客將在訂單頁面看到,並收到電子郵件。"],
    addNote: ["Add note", "新增備註"],
    send: ["Send to the customer", "傳送給顧客"],
    noted: ["Note added.", "已新增備註。"],
    sent: ["Sent to the customer.", "已傳送給顧客。"],
    write: ["Write a note", "撰寫備註"],
    canned: ["Insert a canned reply", "插入罐頭回覆"],
});

export function Composer({ order, done, start = "note" }: { order: string; done: () => void; start?: "note" | "message" }) {
    const mayNote = can("orders:write"), maySend = can("messages:write");
    const [kind, setKind] = useState<"note" | "message">(maySend && (start === "message" || !mayNote) ? "message" : "note");
    const [text, setText] = useState("");
    const [problem, setProblem] = useState<Problem | null>(null);
    const [isRunning, setRunning] = useState(false);
    const attempt = useRef(newKey());
    const field = useRef<HTMLTextAreaElement>(null);
    useCommands([{ label: p.write, keys: "n", run: () => field.current?.focus() }], mayNote || maySend);
    if (!mayNote && !maySend) return null;

    async function send() {
        if (text.trim() === "" || isRunning) return;
        setRunning(true);
        setProblem(null);
        try {
            const request = { id: order, body: text.trim() }, options = { key: attempt.current };
            if (kind === "note") await call("POST /v1/orders/{id}/notes", request, options);
            else await call("POST /v1/orders/{id}/messages", request, options);
            setText("");
            tell(t(kind === "note" ? p.noted : p.sent));
            attempt.current = newKey();
            done();
        } catch (error) {
            if (error instanceof Problem && error.status >= 400 && error.status < 500) attempt.current = newKey();
            setProblem(error instanceof Problem ? error : new Problem(0, "broken", String(error), null, null));
        }
        setRunning(false);
    }
    return (
        <form
            className={`composer ${kind}`}
            onSubmit={(event) => {
                event.preventDefault();
                void send();
            }}
        >
            <div className="tabs">
                {mayNote && (
                    <button type="button" aria-pressed={kind === "note"} onClick={() => setKind("note")}>
                        {t(p.note)}
                    </button>
                )}
                {maySend && (
                    <button type="button" aria-pressed={kind === "message"} onClick={() => setKind("message")}>
                        {t(p.message)}
                    </button>
                )}
                <span className="grow" />
                {kind === "message" && <Canned order={order} insert={(body) => setText((before) => (before ? `${before}\n${body}` : body))} />}
            </div>
            <Textarea
                ref={field}
                autosize
                minRows={2}
                maxRows={10}
                aria-label={t(kind === "note" ? p.note : p.message)}
                value={text}
                maxLength={4000}
                onChange={(event) => setText(event.currentTarget.value)}
                onKeyDown={(event) => {
                    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void send();
                    if (event.key === "Escape") event.currentTarget.blur();
                }}
            />
            {problem && <ProblemNote problem={problem} />}
            <div className="send">
                <span className="fine">{t(kind === "note" ? p.noteHint : p.messageHint)}</span>
                <span className="grow" />
                <Button type="submit" variant={kind === "note" ? "default" : "filled"} loading={isRunning} disabled={text.trim() === ""}>
                    {t(kind === "note" ? p.addNote : p.send)}
                </Button>
            </div>
        </form>
    );
}

function Canned({ order, insert }: { order: string; insert: (body: string) => void }) {
    const replies = useResource("canned", (signal) => call("GET /v1/canned-replies", { limit: 200 }, { signal }));
    const known = replies.data?.data ?? [];
    if (known.length === 0) return null;
    return (
        <select
            className="filter-input"
            aria-label={t(p.canned)}
            value=""
            onChange={(event) => {
                const id = event.currentTarget.value;
                if (id) void call("GET /v1/canned-replies/{id}/preview", { id, order }).then((made) => insert(made.body ?? ""));
            }}
        >
            <option value="">{t(p.canned)} …</option>
            {known.map((one) => (
                <option key={one.id} value={one.id}>
                    {t(asIs(one.name ?? ""))}
                </option>
            ))}
        </select>
    );
}
