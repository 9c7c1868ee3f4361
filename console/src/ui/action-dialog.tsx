// The dialog of an action: see action.tsx.
import { Button } from "@mantine/core";
import { useState } from "react";
import { newKey, Problem } from "../api/client";
import { t } from "../i18n";
import type { Action, Values } from "./action";
import { FieldInput } from "./fields";
import { ProblemNote } from "./parts";
import { Sheet } from "./Sheet";
import { tell } from "./toasts";
import { w } from "./words";

export default function Dialog({ action, attempt, close }: { action: Action; attempt: string; close: () => void }) {
    const fields = action.fields ?? [];
    const [values, setValues] = useState<Values>(() => Object.fromEntries(fields.map((field) => [field.name, field.initial ?? (field.kind === "choice" ? field.choices?.[0]?.value : undefined) ?? ""])));
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
                className={action.size === "lg" ? "action wide" : "action"}
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
