// The dialog of an action: see action.tsx.
import { Button, Checkbox, NativeSelect, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { newKey, Problem } from "../api/client";
import { t } from "../i18n";
import type { Action, Field, Values } from "./action";
import { ProblemNote } from "./parts";
import { Sheet } from "./Sheet";
import { tell } from "./toasts";
import { w } from "./words";

export default function Dialog({ action, attempt, close }: { action: Action; attempt: string; close: () => void }) {
    const fields = action.fields ?? [];
    const [values, setValues] = useState<Values>(() => Object.fromEntries(fields.map((field) => [field.name, field.initial ?? field.choices?.[0]?.value ?? ""])));
    const [problem, setProblem] = useState<Problem | null>(null);
    const [isRunning, setRunning] = useState(false);
    const [key, setKey] = useState(attempt);
    const isReady = fields.every((field) => field.isOptional || field.kind === "switch" || (values[field.name] ?? "") !== "");

    async function run() {
        if (isRunning || !isReady) return;
        setRunning(true);
        setProblem(null);
        try {
            const done = await action.run(values, key);
            close();
            if (typeof done === "string") tell(done);
            else if (done) tell(done.text, done.undo);
        } catch (error) {
            const found = error instanceof Problem ? error : new Problem(0, "broken", String(error), null, null);
            // A refusal is final for its key; what was not answered may have happened and is tried under the same.
            if (found.status >= 400 && found.status < 500) setKey(newKey());
            setProblem(found);
            setRunning(false);
        }
    }
    return (
        <Sheet title={action.title} size={action.size} close={close}>
            <form
                className="action"
                onSubmit={(event) => {
                    event.preventDefault();
                    void run();
                }}
                onKeyDown={(event) => {
                    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void run();
                }}
            >
                <div className="preview">{typeof action.preview === "function" ? action.preview(values) : action.preview}</div>
                {fields.map((field, i) => (
                    <FieldInput key={field.name} field={field} value={values[field.name] ?? ""} isFirst={i === 0} problem={problem} change={(value) => setValues((before) => ({ ...before, [field.name]: value }))} />
                ))}
                {problem && <ProblemNote problem={problem} />}
                <footer>
                    <Button variant="default" onClick={close}>
                        {t(w.cancelDialog)}
                    </Button>
                    <Button type="submit" color={action.isGrave ? "red.8" : undefined} loading={isRunning} disabled={!isReady} data-autofocus={fields.length === 0 || undefined}>
                        {action.verb}
                    </Button>
                </footer>
            </form>
        </Sheet>
    );
}

function FieldInput({ field, value, isFirst, problem, change }: { field: Field; value: string; isFirst: boolean; problem: Problem | null; change: (value: string) => void }) {
    const common = {
        label: field.isOptional ? `${t(field.label)} (${t(w.optional)})` : t(field.label),
        description: field.hint && t(field.hint),
        error: problem?.field === field.name,
        "data-autofocus": isFirst || undefined,
        name: field.name,
    };
    switch (field.kind) {
        case "switch":
            return <Checkbox {...common} error={undefined} checked={value === "yes"} onChange={(event) => change(event.currentTarget.checked ? "yes" : "")} />;
        case "choice":
            return <NativeSelect {...common} value={value} data={(field.choices ?? []).map((one) => ({ value: one.value, label: t(one.label) }))} onChange={(event) => change(event.currentTarget.value)} />;
        case "long":
            return <Textarea {...common} rows={3} value={value} onChange={(event) => change(event.currentTarget.value)} />;
        case "moment":
            return <TextInput {...common} type="datetime-local" value={value} onChange={(event) => change(event.currentTarget.value)} />;
        case "secret":
            return <TextInput {...common} type="password" autoComplete="new-password" value={value} onChange={(event) => change(event.currentTarget.value)} />;
        case "email":
            return <TextInput {...common} type="email" autoComplete="off" value={value} onChange={(event) => change(event.currentTarget.value)} />;
        case "number":
            return (
                <TextInput
                    {...common}
                    inputMode="decimal"
                    value={value}
                    classNames={{ input: "num" }}
                    rightSection={field.suffix && <span className="fine">{field.suffix}</span>}
                    rightSectionWidth={field.suffix ? 48 : undefined}
                    onChange={(event) => change(event.currentTarget.value)}
                />
            );
        default:
            return <TextInput {...common} autoComplete="off" value={value} onChange={(event) => change(event.currentTarget.value)} />;
    }
}
